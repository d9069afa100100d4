"""`python -m benchmarks.size`: what a request costs in a store of national size, against an empty one, side by side.

Both servers run at once and are asked in turn; the ratio of their medians is what counts. Asserts nothing.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, Engine, text

from benchmarks import sign_in
from benchmarks.load import run
from benchmarks.ours import ours
from benchmarks.works import measure, redemptions

PEOPLE, SESSIONS, ENTRIES = 2_000_000, 1_000_000, 10_000_000
STORES = ("sqlite", "postgresql")
WORKS = ("code", "refresh", "userinfo", "introspection")
FIRST = 1000  # ids below are the cast's

# Copies of the cast's own rows under other keys: what is read and written stays among them.
_FILL = {
    "practitioners": (
        "id, national_id, id_type, identifier, origin, civility, family_name, given_name, folded_name, digest,"
        " dossier, present_since, absent_since, protected, contact_email, contact_phone, contact_changed_at, unread,"
        " changed_at",
        "{first} + i, 'S' || i, id_type, 'S' || i, origin, civility, family_name, given_name, folded_name || i,"
        " digest, dossier, present_since, absent_since, protected, '', '', contact_changed_at, 0,"
        " changed_at",
        "practitioners",
    ),
    "activites": (
        "id, practitioner_id, profession, category, key, rank, opened_at, ended_at, closed",
        "{first} + i, {first} + i, profession, category, key, 0, opened_at, ended_at, closed",
        "activites",
    ),
    "sessions": (
        "id, cookie_digest, practitioner_id, epoch, mode, methods, level, means, device, began_at, authenticated_at,"
        " last_seen_at, expires_at, ended_at",
        "'s' || i, 'c' || i, {first} + i, epoch, mode, methods, level, means, device, began_at, authenticated_at,"
        " last_seen_at, expires_at, ended_at",
        "sessions",
    ),
    "audit_entries": (
        "id, at, event, subject, actor, client, address, facts",
        "{first} + i, i, 'token:refreshed', 'practitioner:' || (i / 5), 'client:x', 'x', '192.0.2.1',"
        " '{{\"grant\":1}}'",
        "epoch",
    ),
}  # fmt: skip


def fill(engine: Engine, scale: float) -> None:
    """By the store itself, table after table."""
    counts = {"practitioners": PEOPLE, "activites": PEOPLE, "sessions": SESSIONS, "audit_entries": ENTRIES}
    for table, (columns, values, source) in _FILL.items():
        count, began = int(counts[table] * scale), time.perf_counter()
        chosen = values.format(first=FIRST)
        if engine.dialect.name == "postgresql":
            numbers = f"generate_series(1, {count}) AS n(i)"
            chosen = chosen.replace("'{\"grant\":1}'", "'{\"grant\":1}'::json")
            statement = f"INSERT INTO {table} ({columns}) SELECT {chosen} FROM {numbers},"
        else:
            numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
            statement = f"INSERT INTO {table} ({columns}) {numbers} SELECT {chosen} FROM n,"
        with _patient(engine) as db:
            db.exec_driver_sql(f"{statement} (SELECT * FROM {source} LIMIT 1) AS one")
        print(f"  {engine.dialect.name}: {count:,} {table} in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    with _patient(engine) as db:
        if engine.dialect.name == "postgresql":
            for table in ("practitioners", "activites", "audit_entries"):
                last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                db.execute(text(last))
        db.execute(text("ANALYZE"))


@contextmanager
def _patient(engine: Engine) -> Iterator[Connection]:
    """A transaction without the service's own limit on a statement."""
    with engine.begin() as db:
        if engine.dialect.name == "postgresql":
            db.execute(text("SET LOCAL statement_timeout = 0"))
        yield db


def compare(store: str, chosen: argparse.Namespace, folder: Path, port: int) -> dict[str, tuple[float, float]]:
    """Work → CPU microseconds a request, empty and full."""
    found: dict[str, dict[str, list[float]]] = {"small": defaultdict(list), "full": defaultdict(list)}
    with ExitStack() as stack:
        servers = {}
        for place, (name, filled) in enumerate((("small", None), ("full", lambda engine: fill(engine, chosen.scale)))):
            servers[name] = ours(store, chosen.algorithm, port=port + place, folder=folder, fill=filled)
            stack.callback(servers[name].stop)
            for _ in range(3):
                run(servers[name].base, redemptions(servers[name], 200), servers[name].processes)
        for _ in range(chosen.rounds):
            for name, server in servers.items():
                for work, measured in measure(server, chosen.requests):
                    found[name][work].append(measured.cpu)
                found[name]["passkey sign-in"].append(sign_in.measure(server, chosen.sign_ins))
    works = (*WORKS, "passkey sign-in")
    return {work: (median(found["small"][work]), median(found["full"][work])) for work in works}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the national size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--sign-ins", type=int, default=30)
    parser.add_argument("--algorithm", default="ES256", choices=["RS256", "ES256"])
    parser.add_argument("--store", nargs="+", default=list(STORES), choices=STORES)
    chosen = parser.parse_args()
    people, sessions, entries = (f"{count * chosen.scale:,.0f}" for count in (PEOPLE, SESSIONS, ENTRIES))
    print(f"{people} people, {sessions} sessions, {entries} entries of the journal against an empty store;")
    print("CPU µs a request, medians of interleaved rounds.\n")
    print("| store | work | empty | full | full ÷ empty |\n|---|---|---:|---:|---:|")
    for number, store in enumerate(chosen.store):
        with tempfile.TemporaryDirectory(prefix="psc-size-") as name:
            for work, (small, full) in compare(store, chosen, Path(name), 23_000 + 10 * number).items():
                print(f"| {store} | {work} | {small:,.0f} | {full:,.0f} | {full / small:.2f} |", flush=True)


if __name__ == "__main__":
    main()
