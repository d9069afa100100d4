"""The same over HTTP: `psc serve` with four web workers on both stores."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect import settings
from pro_sante_connect.app import open_deployment
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import decisions, registry
from tests.cli.test_serve import answer, free_port
from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.world import World

WORKERS, USES, VALUES = 4, 12, 60


@dataclass
class House:
    """A running server and people in its store; its clock is the real one."""

    oidc: str
    people: Cast
    client: tuple[str, str]


@pytest.fixture
def house(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    chosen = {
        "PSC_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "PSC_SECRETS_FILE": str(tmp_path / "secrets"),
        "PSC_ISSUER_AUTH_BASE": base, "PSC_ISSUER_WALLET_BASE": base, "PSC_SERVER_WORKERS": str(WORKERS),
    }  # fmt: skip
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    psc = [sys.executable, "-m", "pro_sante_connect"]
    subprocess.run([*psc, "keys", "init"], check=True, capture_output=True, cwd=tmp_path)
    dep = open_deployment(settings.read({}, chosen))
    people = make_cast(cast(Any, World)(dep, SystemClock(), SystemChance()))
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*psc, "serve", "--no-worker", "--port", str(port)], cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        while answer(port, "/health/ready") != 200:
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        yield House(base + dep.settings.issuer.protocol_path, people, people.client())
    finally:
        server.terminate()
        assert server.wait(30) == 0
        dep.engine.dispose()


def race(house: House, path: str, forms: list[dict[str, str]]) -> list[Counter[int]]:
    """Each form `USES` times at once; how often each status was heard."""
    sessions = [requests.Session() for _ in range(USES)]  # kept connections, spread over the workers
    with ThreadPoolExecutor(USES) as hands:
        return [
            Counter(
                hands.map(
                    lambda one, form=form: one.post(house.oidc + path, form, auth=house.client).status_code, sessions
                )
            )
            for form in forms
        ]


def test_over_http_each_value_is_honoured_once_by_one_of_four_workers(house: House) -> None:
    sid = house.people.sign_in()
    codes = [
        {"grant_type": "authorization_code", "code": house.people.code(house.client[0], sid), "redirect_uri": CALLBACK}
        for _ in range(VALUES)
    ]
    held = [house.people.tokens(house.client, sid)["refresh_token"] for _ in range(VALUES)]
    refreshes = [{"grant_type": "refresh_token", "refresh_token": value} for value in held]
    expected = Counter({200: 1, 400: USES - 1})
    assert race(house, "/token", codes) == [expected] * VALUES
    assert race(house, "/token", refreshes) == [expected] * VALUES


def test_a_stop_is_true_for_the_next_request_on_every_worker(house: House) -> None:
    tokens = house.people.tokens(house.client, house.people.sign_in())
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    def everywhere() -> set[int]:
        return {
            requests.get(house.oidc + "/userinfo", headers=bearer | {"Connection": "close"}).status_code
            for _ in range(40)
        }

    assert everywhere() == {200}
    with writing(house.people.world.engine) as db:
        person = registry.get(db, house.people.practitioner)
        decisions.suspend(db, person, reason="SECU", origin=SYSTEM, now=house.people.world.now)
    assert everywhere() == {401}
