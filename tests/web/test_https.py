"""A deployment on https: what its cookies, its policy and its headers say. No socket; behind a proxy that ends TLS."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from pro_sante_connect.app import create_app
from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.settings import Database, Issuer, Settings
from pro_sante_connect.web.front import Front
from tests.ecps.people import CODE, reached
from tests.oidc.parties import CALLBACK, NATIONAL_ID, Cast, make_cast
from tests.world import FrozenClock, SeededChance, World, make_world

WALLET, AUTH = "https://wallet.example", "https://auth.example"
HSTS = "max-age=31536000; includeSubDomains"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
PROTOCOL = "/auth/realms/esante-wallet/protocol/openid-connect"


@dataclass
class Secure:
    """The deployment, and one browser. `hop` is what the proxy speaks to us; `cookies`, all that it was sent."""

    world: World
    app: Any
    people: Cast
    browser: FlaskClient
    hop: str
    page: TestResponse | None = None
    cookies: list[str] = field(default_factory=list)

    def open(self, address: str, **request: Any) -> TestResponse:
        """A page, our own redirects followed."""
        base = self.hop + WALLET.removeprefix("https")
        answer = self.browser.open(address, base_url=base, **request)
        self.cookies += answer.headers.getlist("Set-Cookie")
        location = answer.headers.get("Location", "")
        if location.startswith(("/", WALLET)):
            return self.open(location.removeprefix(WALLET))
        self.page = answer
        return answer

    def send(self, action: str, **fields: str) -> TestResponse:
        """The form of the page whose address ends so."""
        assert self.page is not None
        found = re.search(rf'<form[^>]*action="([^"]*{action})".*?</form>', self.page.text, re.DOTALL)
        assert found, self.page.text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0]))
        return self.open(found[1], method="POST", data=hidden | fields, headers={"Origin": WALLET})


@pytest.fixture(params=["https", "http"])
def secure(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Secure]:
    url = engine.url.render_as_string(hide_password=False)
    settings = replace(Settings(), database=Database(url=url), issuer=Issuer(auth_base=AUTH, wallet_base=WALLET))
    vault = make_world(engine, settings).dep.vault
    clock, chance = FrozenClock(), SeededChance(2)
    app = create_app(settings, vault=vault, clock=clock, chance=chance)
    world = World(app.extensions["psc"].dep, clock, chance)
    yield Secure(world, app, make_cast(world), app.test_client(), request.param)
    world.engine.dispose()


def ask(secure: Secure, client: str) -> TestResponse:
    parameters = {
        "client_id": client, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid scope_all",
        "state": "s", "nonce": "n",
    }  # fmt: skip
    return secure.open("/auth", query_string=parameters)


def walk(secure: Secure) -> None:
    """Sign in twice on the same computer, the number remembered once; choose a language; sign out."""
    holder = reached(secure.world, secure.people.practitioner).enrol(passkey=False)
    client = secure.people.client(asks_consent=False)[0]
    secure.open("/?lang=en")
    for ticked in ({"remember": "1"}, {}):
        ask(secure, client)
        secure.send("/sign-in", national_id=NATIONAL_ID, **ticked)
        secure.send("/sign-in/code", national_id=NATIONAL_ID, ecps_code=CODE, otp=holder.otp())
        assert secure.page is not None
        assert secure.page.headers["Location"].startswith(CALLBACK)
        secure.open("/sign-out")
        secure.send("/sign-out")
        secure.world.clock.advance(30)


def test_every_cookie_belongs_to_this_host_and_travels_by_https_only(secure: Secure) -> None:
    walk(secure)
    named = set()
    for line in secure.cookies:
        pair, _ = parse_options_header(line)
        name, _, value = pair.partition("=")
        named.add((name, bool(value)))
        assert name.startswith("__Host-psc-"), line
        assert line.lower().count("; secure") == 1, line
        assert "; HttpOnly" in line, line
        assert "; SameSite=Lax" in line, line
        assert "; Path=/" in line, line
        assert "domain=" not in line.lower(), line
        assert len(line) < 4096, line
        assert NATIONAL_ID not in line, line
    # A browser drops a `__Host-` cookie without Secure, so one that is taken away must say it as well.
    assert {("__Host-psc-session", False), ("__Host-psc-number", False)} <= named
    wanted = {"browser", "typed", "way", "number", "session", "language", "familiar"}
    assert {f"__Host-psc-{name}" for name in wanted} == {name for name, full in named if full}


def test_a_cookie_of_plain_http_is_not_believed(secure: Secure) -> None:
    client = secure.people.client(asks_consent=False)[0]
    page = ask(secure, client)
    held = secure.browser.get_cookie("__Host-psc-browser", domain="wallet.example")
    assert held is not None
    assert secure.open(page.request.path).status_code == 200
    other = secure.app.test_client()
    other.set_cookie("psc-browser", held.value, domain="wallet.example")
    assert other.get(page.request.path, base_url=WALLET).status_code == 404


def test_forms_may_go_to_the_service_of_this_request_and_nowhere_else(secure: Secure) -> None:
    for back, origin in (
        (CALLBACK, "https://dossier.example"),
        ("https://agenda.example:8443/a/b?c=d", "https://agenda.example:8443"),
        ("com.example.app:/back", "com.example.app:"),
    ):
        client = secure.people.client(redirect_uris=(back,))[0]
        parameters = {"client_id": client, "redirect_uri": back, "response_type": "code", "scope": "openid"}
        page = secure.open("/auth", query_string=parameters)
        assert page.status_code == 200
        assert page.headers["Content-Security-Policy"] == f"{POLICY} {origin}"
    for path in ("/", "/activate", "/phone", "/nowhere", "/sign-out", "/space"):
        assert secure.open(path).headers["Content-Security-Policy"] == POLICY


def test_every_answer_keeps_the_browser_on_https(secure: Secure) -> None:
    for path in (
        "/", "/nowhere", "/activate", "/auth", "/static/pages.css", "/health/live", "/sign-out", f"{PROTOCOL}/certs",
        f"{PROTOCOL}/token", f"{PROTOCOL}/userinfo", f"{PROTOCOL}/logout",
    ):  # fmt: skip
        with secure.browser.get(path, base_url=secure.hop + WALLET.removeprefix("https")) as answer:
            assert answer.headers.getlist("Strict-Transport-Security") == [HSTS], path


def test_machine_answers_keep_to_https_and_set_nothing(secure: Secure) -> None:
    front = Front(secure.app.extensions["psc"].machine)
    for path in front.paths:
        for method in ("GET", "POST", "OPTIONS", "PUT"):
            answer = front.answer(path, MachineRequest(method=method))
            headers = [(name.lower(), value) for name, value in answer.headers]
            assert ("strict-transport-security", HSTS) in headers, (method, path)
            assert "set-cookie" not in dict(headers)
