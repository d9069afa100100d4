"""Our own server for a measurement: a store with one practitioner, many sessions, one client; `psc serve` on it."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine

from benchmarks.servers import COMMON, Server, address, postmaster, wait
from benchmarks.sign_in import give_passkey
from pro_sante_connect import settings
from pro_sante_connect.app import open_deployment
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.world import World

SESSIONS = 50


def ours(
    store: str,
    algorithm: str,
    *,
    port: int,
    folder: Path,
    workers: int = 1,
    fill: Callable[[Engine], None] | None = None,
) -> Server:
    """Serve on a fresh store, filled further if asked to; codes are made by the product's own functions."""
    name = f"ours_{algorithm}_{port}".lower()
    base = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "PSC_DATABASE_URL": address(store, folder, name), "PSC_SECRETS_FILE": str(folder / f"{name}_{store}.secrets"),
        "PSC_ISSUER_AUTH_BASE": base, "PSC_ISSUER_WALLET_BASE": base, "PSC_SERVER_WORKERS": str(workers),
    }  # fmt: skip
    environment.pop("PSC_SETTINGS", None)
    for command in (["database", "upgrade"], ["keys", "init"]):
        _psc(environment, *command)
    cast_, client = _people(environment, algorithm)
    sessions = [cast_.sign_in() for _ in range(SESSIONS)]
    if fill is not None:
        fill(cast_.world.engine)

    def mint(count: int, _opaque: bool) -> list[str]:
        challenge = {"code_challenge": COMMON["code_challenge"], "code_challenge_method": "S256"}
        return [cast_.code(client[0], sessions[number % SESSIONS], **challenge) for number in range(count)]

    process = subprocess.Popen(
        [sys.executable, "-m", "pro_sante_connect", "serve", "--port", str(port), "--no-worker"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    prefix = settings.Issuer(auth_base="").issuer
    wait(base, process, f"{prefix}/.well-known/openid-configuration")
    database = postmaster() if store == "postgresql" else None
    notes = {"callback": CALLBACK, "passkey": give_passkey(cast_, base), "cast": cast_}
    return Server("ours", store, algorithm, base, process, mint, database, prefix, client, notes)


def _psc(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pro_sante_connect", *arguments], env=environment, check=True, stdout=-3)


def _people(environment: dict[str, str], algorithm: str) -> tuple[Cast, tuple[str, str]]:
    dep = open_deployment(settings.read({}, environment))
    world = cast(Any, World)(dep, SystemClock(), SystemChance())
    known = make_cast(world)
    return known, known.client(algorithm=algorithm, asks_consent=False)


def basic(client: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(client).encode()).decode()


def document(body: bytes) -> dict[str, Any]:
    return dict(json.loads(body))
