"""The servers side by side: ours as `psc serve` runs it, published providers, and the bound."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.stores import new_postgresql, postgresql_server

HERE = Path(__file__).parent
COMMON = json.loads((HERE / "peers" / "common.json").read_text())
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "psc-benchmarks"
GRANIAN = ["--interface", "wsgi", "--host", "127.0.0.1", "--no-access-log", "--log-level", "error"]
BOOT_SECONDS = 60


@dataclass
class Server:
    """A running server: where, with which store and signature, and how it makes codes."""

    name: str
    store: str
    algorithm: str
    base: str
    process: "subprocess.Popen[bytes]"
    mint: Callable[[int, bool], list[str]]
    database: int | None = None
    prefix: str = ""
    client: tuple[str, str] = (COMMON["client_id"], COMMON["client_secret"])
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.name}, {self.store}"

    @property
    def processes(self) -> list[int]:
        return [self.process.pid] + ([self.database] if self.database else [])

    @cached_property
    def endpoints(self) -> dict[str, str]:
        """The discovery document, addresses of this machine."""
        found = json.loads(urllib.request.urlopen(self.discovery, timeout=10).read())
        return {name: str(value) for name, value in found.items()}

    @property
    def discovery(self) -> str:
        return f"{self.base}{self.prefix}/.well-known/openid-configuration"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)


def keys(folder: Path) -> Path:
    """PEM keys the peers sign with, made for this run."""
    made = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "keys.json"
    path.write_text(json.dumps({name: key.private_bytes(*form).decode() for name, key in made.items()}))
    return path


def postmaster() -> int:
    return int((Path(postgresql_server().pgdata) / "postmaster.pid").read_text().splitlines()[0])


def address(store: str, folder: Path, name: str) -> str:
    """A fresh store: a SQLite file or a database of the run's own PostgreSQL."""
    return new_postgresql(name) if store == "postgresql" else f"sqlite:///{folder / name}.sqlite3"


def wait(base: str, process: "subprocess.Popen[bytes]", path: str) -> None:
    """Until it answers; its own words when it does not."""
    until = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(base + path, timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{base} did not start: exit {process.poll()}")


PREFIXES = {"django_oauth_toolkit": "/o"}
MEMORY_ONLY = {"idpyoidc"}
ONLY_RS256 = {"django_oauth_toolkit"}
PEERS = ("node_oidc_provider", "authlib_orm", "idpyoidc", "django_oauth_toolkit")


def install(name: str) -> Path:
    """A peer's own environment, outside the repository, made once; returns its folder."""
    source, target = HERE / "peers" / name, CACHE / name
    if name == "node_oidc_provider":
        if not (target / "node_modules").exists():
            target.mkdir(parents=True, exist_ok=True)
            for one in source.glob("package*.json"):
                (target / one.name).write_bytes(one.read_bytes())
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)
        for one in source.glob("*.mjs"):
            (target / one.name).write_bytes(one.read_bytes())
        return target
    python = target / ".venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(target / ".venv")], check=True)
        wanted = ["-q", "--disable-pip-version-check", "-r", str(source / "requirements.txt"), "psycopg[binary]"]
        subprocess.run([str(python), "-m", "pip", "install", *wanted], check=True)
    return target


def peer(name: str, store: str, algorithm: str, *, port: int, folder: Path, pem: Path, workers: int = 1) -> Server:
    """Start a published provider, one process unless told otherwise."""
    environment = os.environ | {
        "BENCH_PORT": str(port), "BENCH_ALG": algorithm, "BENCH_STORE": store, "BENCH_KEYS": str(pem),
        "BENCH_COMMON": str(HERE / "peers" / "common.json"), "BENCH_WORKERS": str(workers),
    }  # fmt: skip
    target = install(name)
    if store != "memory":
        url = address(store, folder, f"{name}_{algorithm}_{port}".lower())
        environment |= _database(name, url)
    command = _command(name, target, port, workers)
    if name in ("authlib_orm", "django_oauth_toolkit"):
        made = [str(target / ".venv/bin/python"), str(HERE / "peers" / name / "server.py")]
        subprocess.run(made, env=environment, check=True)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base, prefix = f"http://127.0.0.1:{port}", PREFIXES.get(name, "")
    wait(base, process, f"{prefix}/.well-known/openid-configuration")
    database = postmaster() if store == "postgresql" else None
    return Server(name, store, algorithm, base, process, _minting(base), database, prefix)


def _database(name: str, url: str) -> dict[str, str]:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    host = plain.partition("host=")[2].partition("&")[0]
    chosen = url if name == "authlib_orm" else plain
    return {"BENCH_DATABASE_URL": chosen, "BENCH_DATABASE_HOST": host}


def _command(name: str, target: Path, port: int, workers: int) -> list[str]:
    if name == "node_oidc_provider":
        return ["node", str(target / "server.mjs")]
    granian = [str(target / ".venv" / "bin" / "granian"), *GRANIAN, "--port", str(port), "--workers", str(workers)]
    return [*granian, "--blocking-threads", "8", "--working-dir", str(HERE / "peers" / name), "server:app"]


def _minting(base: str) -> Callable[[int, bool], list[str]]:
    def mint(count: int, opaque: bool) -> list[str]:
        asked = urllib.request.Request(f"{base}/bench/mint?n={count}&opaque={int(opaque)}", b"", method="POST")
        return [str(code) for code in json.loads(urllib.request.urlopen(asked, timeout=60).read())["codes"]]

    return mint
