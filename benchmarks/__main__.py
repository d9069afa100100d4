"""`python -m benchmarks`: start everybody, measure in interleaved rounds, print ratios, write docs/performance.md."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from benchmarks import imports, report, sign_in
from benchmarks.load import memory, run
from benchmarks.ours import ours
from benchmarks.races import race
from benchmarks.report import Results
from benchmarks.servers import (
    HERE,
    MEMORY_ONLY,
    ONLY_RS256,
    PEERS,
    Server,
    address,
    keys,
    peer,
    postmaster,
    wait,
)
from benchmarks.works import measure, redemptions

ROOT = HERE.parent
MARKS = ("<!-- make bench writes from here -->", "<!-- to here -->")
STORES = {"node_oidc_provider": ("memory", "postgresql"), "authlib_orm": ("sqlite", "postgresql")}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds: a look, not a measurement")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS, help="installed on first use")
    parser.add_argument("--algorithms", nargs="+", default=["RS256", "ES256"], choices=["RS256", "ES256"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=300, help="per work and round")
    parser.add_argument("--warm", type=int, default=2000, help="requests before the first round")
    parser.add_argument("--sign-ins", type=int, default=40, help="by passkey, per round")
    parser.add_argument("--races", type=int, default=100, help="one-time values per server")
    parser.add_argument("--people", type=int, default=30_000, help="of the registry load")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.requests, chosen.warm, chosen.races, chosen.people = 2, 80, 200, 20, 3000
        chosen.sign_ins = 10
    return chosen


def bound(store: str, algorithm: str, *, port: int, folder: Path, pem: Path) -> Server:
    """The least there is to do, as a server of its own."""
    environment = os.environ | {
        "BENCH_ALG": algorithm, "BENCH_KEYS": str(pem),
        "BENCH_DATABASE_URL": address(store, folder, f"bound_{algorithm}_{port}".lower()),
    }  # fmt: skip
    uvicorn = [sys.executable, "-m", "uvicorn", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(
        [*uvicorn, "--lifespan", "off", "--no-access-log", "--log-level", "error", "benchmarks.bound:app"],
        env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    wait(base, process, "/")
    numbers = count()
    made = Server(
        "bound", store, algorithm, base, process, lambda many, _: [f"{port}-{next(numbers)}" for _ in range(many)],
        postmaster() if store == "postgresql" else None,
    )  # fmt: skip
    made.endpoints = {"token_endpoint": base + "/"}
    return made


def starting(chosen: argparse.Namespace, algorithm: str, folder: Path, pem: Path) -> Iterator[Callable[[], Server]]:
    """Everybody who takes part with that signature, not started yet."""
    ports = count(21_000)
    for store in ("sqlite", "postgresql"):
        yield lambda store=store: ours(store, algorithm, port=next(ports), folder=folder)
        yield lambda store=store: bound(store, algorithm, port=next(ports), folder=folder, pem=pem)
    for name in chosen.peers:
        if algorithm != "RS256" and name in ONLY_RS256:
            continue
        for store in ("memory",) if name in MEMORY_ONLY else STORES.get(name, ("postgresql",)):
            yield lambda name=name, store=store: peer(name, store, algorithm, port=next(ports), folder=folder, pem=pem)


def compare(chosen: argparse.Namespace, algorithm: str, folder: Path, pem: Path, results: Results) -> None:
    """All servers of one signature, side by side."""
    with ExitStack() as stack:
        servers = []
        for start in starting(chosen, algorithm, folder, pem):
            server = start()
            stack.callback(server.stop)
            print(f"  {server.label} is up", file=sys.stderr)
            servers.append(server)
        for server in servers:
            for _ in range(max(1, chosen.warm // 200)):
                run(server.base, redemptions(server, 200), server.processes)
        for number in range(chosen.rounds):
            for server in servers:
                for work, found in measure(server, chosen.requests):
                    results.add(algorithm, server.label, work, found)
                if server.name == "ours":
                    cost = sign_in.measure(server, chosen.sign_ins)
                    results.signed_in[algorithm, server.label].append(cost)
            print(f"  round {number + 1} of {chosen.rounds}", file=sys.stderr)
        for server in servers:
            results.memory[algorithm, server.label] = memory(server.process.pid)


def races(chosen: argparse.Namespace, folder: Path, pem: Path, results: Results) -> None:
    """Two worker processes where there is a shared store."""
    ports = count(22_000)
    entrants: list[Callable[[], Server]] = [
        lambda store=store: ours(store, "ES256", port=next(ports), folder=folder, workers=2)
        for store in ("sqlite", "postgresql")
    ]
    for name, store in (
        ("node_oidc_provider", "memory"), ("node_oidc_provider", "postgresql"), ("authlib_orm", "sqlite"),
        ("django_oauth_toolkit", "postgresql"),
    ):  # fmt: skip
        if name in chosen.peers:
            signature, workers = ("RS256" if name in ONLY_RS256 else "ES256"), (1 if store == "memory" else 2)
            entrants.append(
                lambda name=name, store=store, signature=signature, workers=workers: peer(
                    name, store, signature, port=next(ports), folder=folder, pem=pem, workers=workers
                )
            )
    for start in entrants:
        server = start()
        try:
            results.races[server.label] = race(server, chosen.races)
        finally:
            server.stop()


def _into_readme(table: str) -> None:
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Everything, in one run."""
    chosen, results = arguments(), Results(defaultdict(list), {}, {}, {}, defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="psc-bench-") as name:
        folder = Path(name)
        pem = keys(folder)
        for algorithm in chosen.algorithms:
            print(f"{algorithm}:", file=sys.stderr)
            compare(chosen, algorithm, folder, pem, results)
        races(chosen, folder, pem, results)
        for store in ("sqlite", "postgresql"):
            results.imports[store] = imports.measure(store, folder, chosen.people)
    text = report.text(results, chosen)
    print(text)
    if not chosen.quick:
        (ROOT / "docs" / "performance.md").write_text(text, encoding="utf-8")
        _into_readme("\n".join([*report.targets(results), "", report.NOTE]))


if __name__ == "__main__":
    main()
