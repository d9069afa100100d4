"""The receiver of `docs/receiving.md`, as it is printed there, told by the provider over HTTP."""

import importlib.util
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine
from werkzeug.serving import make_server

from pro_sante_connect.oidc.tokens import jose
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.settings import Outbound, Settings
from pro_sante_connect.signals import logout_token
from pro_sante_connect.signals.worker import Worker
from tests.oidc.parties import make_cast, payload
from tests.serving import Served, serving
from tests.signals.parties import Stage

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "receiver_flask" / "receiver.py"


def test_the_page_shows_the_file() -> None:
    assert f"```python\n{FILE.read_text('utf-8')}```" in (ROOT / "docs" / "receiving.md").read_text("utf-8")
    assert len(FILE.read_text("utf-8").splitlines()) < 80


@dataclass
class Running:
    """The example beside a provider whose clock shows the real time; a session that it knows."""

    served: Served
    stage: Stage
    receiver: Any
    url: str
    client: tuple[str, str]

    def tell(self, token: str) -> int:
        return requests.post(self.url, {"logout_token": token}, timeout=10).status_code

    def token(self, **changes: Any) -> str:
        """Signed by the provider, for the session `known`."""
        dep = self.served.world.dep
        said = logout_token.claims(
            issuer=dep.settings.issuer.issuer, client_id=self.client[0], subject="f:u:8", sid="known", jti="j",
            now=dep.clock.now(),
        )  # fmt: skip
        kind = changes.pop("typ", logout_token.TYPE)
        kept = {name: value for name, value in (said | changes).items() if value is not None}
        return jose.sign(kept, KeyRing(dep.engine, dep.vault, dep.clock).signer("RS256"), token_type=kind)


@pytest.fixture
def running(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    from flask import Flask

    server = make_server("127.0.0.1", 0, Flask("empty"), threaded=True)
    place = f"localhost:{server.port}"
    settings = replace(Settings(), outbound=Outbound(exempt=(place,)))
    with serving(engine, settings, at=datetime.now(UTC)) as served:
        monkeypatch.setenv("ISSUER", served.world.dep.settings.issuer.issuer)
        monkeypatch.setenv("CLIENT_ID", "agenda")
        spec = importlib.util.spec_from_file_location("receiver_flask", FILE)
        assert spec is not None
        assert spec.loader is not None
        receiver = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(receiver)
        server.app = receiver.app
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        stage, url = Stage(make_cast(served.world)), f"http://{place}/backchannel-logout"
        receiver.signed_in({"sid": "known", "sub": "f:u:8"})
        yield Running(served, stage, receiver, url, stage.service("agenda", url))
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_ends_its_session_when_the_provider_says_so(running: Running) -> None:
    stage = running.stage
    gone, kept = stage.cast.sign_in(), stage.cast.sign_in()
    for sid in (gone, kept):
        running.receiver.signed_in(payload(stage.cast.tokens(running.client, sid)["id_token"]))
    assert gone in running.receiver.sessions
    stage.end(gone)
    worker = Worker(running.served.world.dep)
    worker.turn()
    worker.stop.set()
    worker.run()
    assert [row.last_status for row in stage.ledger()] == [204]
    assert set(running.receiver.sessions) == {"known", kept}


def test_a_repeat_is_well_and_does_nothing(running: Running) -> None:
    token = running.token()
    assert running.tell(token) == 204
    running.receiver.signed_in({"sid": "known", "sub": "f:u:8"})
    assert running.tell(token) == 204
    assert "known" in running.receiver.sessions


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": None}, {"iat": None}, {"exp": 1}, {"jti": None},
        {"sid": None}, {"events": {}}, {"events": None}, {"events": 3}, {"nonce": "n"}, {"typ": "JWT"},
        {"iat": 4_000_000_000},
    ],
)  # fmt: skip
def test_what_is_no_logout_token_for_it_is_refused(running: Running, changes: dict[str, Any]) -> None:
    assert running.tell(running.token(**changes)) == 400
    assert "known" in running.receiver.sessions


def test_a_strangers_signature_and_nonsense_are_refused_and_fetch_no_keys_each_time(running: Running) -> None:
    assert running.tell(running.token(jti="first", sid="other")) == 204
    at = running.receiver.fetched["at"]
    stranger = ECKey.generate_key("P-256", {"kid": "unknown"})
    claims = payload(running.token())
    for token in (jwt.encode({"alg": "ES256", "kid": "unknown"}, claims, stranger), "a.b.c", "", "x"):
        assert running.tell(token) == 400
    assert requests.post(running.url, {}, timeout=10).status_code == 400
    assert running.receiver.fetched["at"] == at
    assert "known" in running.receiver.sessions


def test_a_key_made_since_is_fetched_once_the_minute_is_over(running: Running) -> None:
    running.receiver.fetched.update(at=time.time() - 61, keys=running.receiver.KeySet([]))
    assert running.tell(running.token()) == 204
    assert "known" not in running.receiver.sessions


def test_what_it_heard_is_forgotten_after_a_day(running: Running) -> None:
    running.receiver.heard["old"] = time.time() - 86_401
    assert running.tell(running.token()) == 204
    assert set(running.receiver.heard) == {"j"}
