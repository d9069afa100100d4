"""The server's way in: nobody who is slow, waits or misbehaves keeps others out; a store that fails is told so."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import Engine, select, text

from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading
from pro_sante_connect.core.models import Base
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.rpps.identifiers import luhn
from pro_sante_connect.settings import Server, Settings
from pro_sante_connect.web import protocol
from tests.oidc.parties import CALLBACK, CHALLENGE, VERIFIER, Cast, make_cast
from tests.oidc.test_endpoints import assertion
from tests.serving import Served, serving
from tests.web.test_logs import Kept, kept
from tests.web.test_pages import ask, follow

__all__ = ["kept"]
BOTH = pytest.mark.parametrize("front", [True, False], ids=["front", "flask"])


def redemption(people: Cast, client: tuple[str, str], **asked: str) -> dict[str, str]:
    code = people.code(client[0], people.sign_in(), **asked)
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}


def unknown(number: int) -> str:
    """An RPPS number that nobody has."""
    stem = f"998777{number:04d}"
    return next(stem + digit for digit in "0123456789" if luhn(stem + digit))


def raw(served: Served, *parts: bytes) -> socket.socket:
    """A connection on which these bytes were sent."""
    connection = socket.create_connection(("127.0.0.1", urlsplit(served.base).port or 0), timeout=10)
    for part in parts:
        connection.sendall(part)
    return connection


def test_desktops_that_wait_for_a_phone_keep_nobody_out(served: Served) -> None:
    client = make_cast(served.world).client()
    addresses = []
    for number in range(12):  # more than there are threads for pages
        browser = requests.Session()
        page = follow(served, browser, ask(served, browser, client[0]))
        token, journey = re.findall(r'name="csrf_token" value="(\w+)"', page.text)[0], page.url.removesuffix("/sign-in")
        form = {"csrf_token": token, "national_id": unknown(number)}
        page = follow(served, browser, browser.post(journey + "/phone", form, allow_redirects=False))
        addresses.append((browser, journey + "/wait/state?known=pending"))
    answered = Event()
    with ThreadPoolExecutor(12) as desktops:
        waits = [desktops.submit(browser.get, address, timeout=60) for browser, address in addresses]
        try:
            for _ in range(3):
                assert requests.get(served.base + "/health/live", timeout=5).json() == {"status": "live"}
                assert requests.get(served.base + "/activate", timeout=5).status_code == 200
            assert any(not one.done() for one in waits)  # somebody did wait meanwhile
            answered.set()
        finally:
            served.world.clock.advance(121)  # every request has expired: the waits end
        assert {one.result().json()["state"] for one in waits} <= {"pending", "expired"}
    assert answered.is_set()


def test_a_writer_in_the_way_delays_writers_and_nobody_else(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL has many writers: nothing to wait for
    with serving(engine) as served:
        people = make_cast(served.world)
        client = people.client()
        form = redemption(people, client)
        other = sqlite3.connect(engine.url.database or "", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as one:
            waits = one.submit(requests.post, served.oidc + "/token", form, auth=client, timeout=30)
            for path in ("/certs", "/userinfo"):
                assert requests.get(served.oidc + path, timeout=5).status_code in (200, 401)
            assert not waits.done()
            other.execute("ROLLBACK")
            assert waits.result().status_code == 200
        other.close()
        assert requests.post(served.oidc + "/token", form, auth=client).json()["error"] == "invalid_grant"


@contextmanager
def in_the_way_after(owner: type, verb: str, engine: Engine) -> Iterator[list[str]]:
    """Once `verb` of `owner` has committed, another writer holds the SQLite file for a moment."""
    plain, met = getattr(owner, verb), []
    other = sqlite3.connect(engine.url.database or "", isolation_level=None, check_same_thread=False)

    def then_held(*arguments: Any, **named: Any) -> Any:
        answer = plain(*arguments, **named)
        if not met:
            met.append("held")
            other.execute("BEGIN IMMEDIATE")
            Timer(0.3, other.execute, ("ROLLBACK",)).start()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, verb, then_held)
        yield met
    other.close()


def test_an_assertion_is_not_used_up_by_a_request_that_meets_another_writer(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL has many writers: nothing to wait for
    with serving(engine) as served:
        people, pair = make_cast(served.world), ECKey.generate_key("P-256", {"kid": "k1"})
        jwks = KeySet([pair]).as_dict(private=False)
        client = people.client(profile="standard", token_endpoint_auth_method="private_key_jwt", jwks=jwks)
        form = redemption(people, client, code_challenge=CHALLENGE, code_challenge_method="S256")
        form |= {"code_verifier": VERIFIER} | assertion(people, client[0], pair)
        with in_the_way_after(Machine, "_remember", engine) as met:
            answer = requests.post(served.oidc + "/token", form, timeout=30)
        assert (met, answer.status_code) == (["held"], 200)


def test_a_burnt_code_is_refused_once_and_not_told_as_a_replay(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL has many writers: nothing to wait for
    with serving(engine) as served:
        people = make_cast(served.world)
        client = people.client()
        form = redemption(people, client) | {"redirect_uri": "https://dossier.example/other"}
        with in_the_way_after(Machine, "claim", engine) as met:
            answer = requests.post(served.oidc + "/token", form, auth=client, timeout=30)
        assert (met, answer.json()["error"]) == (["held"], "invalid_grant")
        with reading(engine) as db:
            told = list(db.scalars(select(Entry.event).where(Entry.client == client[0]).order_by(Entry.id)))
        assert told[-2:] == ["code:redeemed", "token:refused"]
        assert "code:replayed" not in told


@BOTH
def test_a_store_that_fails_is_a_503_and_heals(engine: Engine, front: bool, kept: Kept) -> None:
    with serving(engine, front=front) as served:
        people = make_cast(served.world)
        client = people.client()
        form = redemption(people, client)
        table = Base.metadata.tables["authorizations"].name
        with engine.begin() as db:
            db.execute(text(f"ALTER TABLE {table} RENAME TO away"))
        answer = requests.post(served.oidc + "/token", form, auth=client)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["error"] == "temporarily_unavailable"
        assert answer.json()["error_description"]
        with engine.begin() as db:
            db.execute(text(f"ALTER TABLE away RENAME TO {table}"))
        assert requests.post(served.oidc + "/token", form, auth=client).status_code == 200
    told = [json.loads(line) for line in kept.lines]
    assert any(line["message"] == "storage" and line["request"] == answer.headers["X-Request-Id"] for line in told)


def test_readiness_says_when_the_store_or_the_keys_are_missing(served: Served) -> None:
    ready = served.base + "/health/ready"
    assert requests.get(ready).status_code == 200
    with served.world.engine.begin() as db:
        db.execute(text("DELETE FROM signing_keys"))
    served.world.clock.advance(11)
    assert requests.get(ready).status_code == 503
    with served.world.engine.begin() as db:
        db.execute(text("ALTER TABLE epoch RENAME TO away"))
    try:
        assert requests.get(ready).status_code == 503
    finally:
        with served.world.engine.begin() as db:
            db.execute(text("ALTER TABLE away RENAME TO epoch"))


def test_connections_that_the_store_dropped_are_replaced(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        return  # a SQLite file drops nobody
    with serving(engine) as served:
        people = make_cast(served.world)
        tokens = people.tokens(people.client(), people.sign_in())
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert requests.get(served.oidc + "/userinfo", headers=bearer).status_code == 200
        with engine.begin() as db:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            db.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        engine.dispose()  # this test's own connections too
        statuses = [requests.get(served.oidc + "/userinfo", headers=bearer).status_code for _ in range(2)]
        assert statuses[1] == 200
        assert statuses[0] in (200, 503)


def test_a_head_too_large_is_refused(served: Served) -> None:
    with raw(served, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("parts", [
    [], [b"GET /health/live HT"], [b"POST /activate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"],
    [b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /he"],
], ids=["silent", "head", "body", "second"])  # fmt: skip
def test_a_request_that_does_not_end_is_ended(
    served: Served, parts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    with raw(served, *parts) as connection:
        heard = b""
        while part := connection.recv(4096):
            heard += part
    assert heard.count(b"HTTP/1.1") == len(parts) - 1 if len(parts) > 1 else not heard


@pytest.mark.parametrize("path", ["/auth/realms/esante-wallet/protocol/openid-connect/token", "/activate"])
def test_a_body_over_the_limit_is_refused_however_it_is_sent(served: Served, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (b"x" * 10_000 for _ in range(40))

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"x" * 400_000, chunks()):
        assert requests.post(served.base + path, data=body, headers=form).status_code == 413
    short = requests.post(served.base + path, data=iter([b"a=", b"b"]), headers=form)
    assert short.status_code in (400, 401)


@BOTH
def test_a_callers_address_is_the_proxys_word_only_from_a_known_proxy(engine: Engine, front: bool, kept: Kept) -> None:
    for trusted, expected in ((("127.0.0.1",), "203.0.113.9"), ((), "127.0.0.1")):
        settings = replace(Settings(), server=Server(trusted_proxies=trusted))
        with serving(engine, settings, front=front) as served:
            kept.lines.clear()
            told = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X_Forwarded_For": "192.0.2.66"}
            for path in ("/certs", "/../health/live"):
                requests.get(served.oidc + path, headers=told)
            requests.get(served.base + "/health/live", headers=told)
        assert {json.loads(line)["address"] for line in kept.lines} == {expected}


@BOTH
def test_every_answer_has_the_fixed_headers(engine: Engine, front: bool) -> None:
    with serving(engine, front=front) as served:
        for address in (
            served.oidc + "/certs", served.oidc + "/token", served.base + "/nowhere", served.base + "/health/live",
            served.base + "/static/pages.css", served.base + "/auth",
        ):  # fmt: skip
            headers = requests.get(address, allow_redirects=False).headers
            assert headers["X-Content-Type-Options"] == "nosniff", address
            assert headers["X-Frame-Options"] == "DENY", address
            assert headers["Referrer-Policy"] == "no-referrer", address
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", address
            assert "default-src 'none'" in headers["Content-Security-Policy"], address
            assert headers["X-Request-Id"], address


def test_both_doors_say_the_same(engine: Engine) -> None:
    said = []
    for front in (True, False):
        with serving(engine, front=front) as served:
            answers = [
                requests.get(served.oidc + "/certs"), requests.post(served.oidc + "/token", data={"a": "b"}),
                requests.get(served.oidc + "/userinfo"), requests.put(served.oidc + "/token"),
                requests.options(served.oidc + "/token", headers={"Origin": "https://x.example"}),
            ]  # fmt: skip
        ignored = {"date", "server", "x-request-id", "connection", "content-length"}
        said.append([
            (one.status_code, sorted((k.lower(), v) for k, v in one.headers.items() if k.lower() not in ignored))
            for one in answers
        ])  # fmt: skip
    assert said[0] == said[1]
