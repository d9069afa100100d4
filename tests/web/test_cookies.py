"""Cookies: what one holds opens nothing else, and each goes away when it is told to."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pyotp
import pytest
import requests
from sqlalchemy import Engine, select

from pro_sante_connect.app import create_app
from pro_sante_connect.core.database import reading
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.oidc.models import SigningKey
from pro_sante_connect.settings import Database, Issuer, Settings
from tests.ecps.people import CODE, NATIONAL_ID, Candidate, candidate
from tests.oidc.parties import make_cast
from tests.serving import Served
from tests.web.test_pages import ask, follow
from tests.world import FrozenClock, SeededChance, World, make_world


@pytest.mark.parametrize("cookie", ["psc-number", "psc-typed"])
def test_a_cookie_shows_nothing_of_what_rests_sealed_in_the_store(served: Served, cookie: str) -> None:
    client = make_cast(served.world).client()[0]
    vault = served.world.dep.vault
    with reading(served.world.engine) as db:
        held = db.scalars(select(SigningKey.sealed)).first() or b""
    assert vault.open(held, purpose=Purpose.SIGNING_KEY).startswith(b"-----BEGIN")
    stolen = [held, *(vault.seal(b"-----BEGIN", purpose=one) for one in Purpose if "cookie" not in one)]
    for sealed in stolen:
        browser = requests.Session()
        browser.cookies.set(cookie, sealed.decode(), domain="localhost.local")
        page = follow(served, browser, ask(served, browser, client))
        assert page.status_code == 200
        assert "BEGIN" not in page.text


WALLET = "https://wallet.example"


class Browser:
    """Keeps cookies as browsers do on https: a `__Host-` name counts only with Secure, Path=/ and no Domain."""

    def __init__(self, app: Any) -> None:
        self.client = app.test_client(use_cookies=False)
        self.cookies: dict[str, str] = {}
        self.said: list[str] = []

    def open(self, path: str, **fields: str) -> Any:
        """GET, or with fields the POST of a form with its token."""
        form = None
        if fields:
            form = fields | {
                "csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', self.open("/activate").text)[0]
            }
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.client.open(path, method="POST" if form else "GET", data=form, base_url=WALLET, headers=headers)
        for line in answer.headers.getlist("Set-Cookie"):
            self.said.append(line)
            self._keep(line)
        return answer

    def _keep(self, line: str) -> None:
        ((name, morsel),) = SimpleCookie(line).items()
        if name.startswith("__Host-") and not (morsel["secure"] and morsel["path"] == "/" and not morsel["domain"]):
            return
        if morsel["max-age"] == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = morsel.value


@pytest.fixture
def secure(engine: Engine) -> Iterator[tuple[Browser, Candidate]]:
    """A browser on a deployment whose pages are https, and somebody who may activate a card."""
    settings = Settings(
        database=Database(url=engine.url.render_as_string(hide_password=False)),
        issuer=Issuer(auth_base="https://auth.example", wallet_base=WALLET),
    )
    clock = FrozenClock()
    app = create_app(settings, vault=make_world(engine).dep.vault, clock=clock, chance=SeededChance(2))
    world = World(app.extensions["psc"].dep, clock, SeededChance(3))
    yield Browser(app), candidate(world)
    world.engine.dispose()


def activate(browser: Browser, person: Candidate) -> str:
    """The whole way by forms; the secret of the code app."""
    codes = person.ask()
    browser.open("/activate/codes", mail_code=codes["mail"], sms_code=codes["sms"])
    assert "__Host-psc-enrolment" in browser.cookies
    browser.open("/activate/code", ecps_code=CODE)
    browser.open("/activate/passkey", skip="1")
    secret = re.search(r"[A-Z2-7]{32}", re.sub(r"\s", "", browser.open("/activate/totp").text))
    assert secret
    moment = int(person.world.now.timestamp())
    browser.open("/activate/totp", otp=pyotp.TOTP(secret[0]).at(moment))
    assert browser.open("/activate/done", name="Pixel").status_code == 303
    return secret[0]


def test_on_https_a_cookie_that_is_taken_back_is_gone(secure: tuple[Browser, Candidate]) -> None:
    browser, person = secure
    otp = activate(browser, person)
    assert "__Host-psc-enrolment" not in browser.cookies
    assert "active" in browser.open("/activate/done").text
    person.world.clock.advance(30)
    journey = browser.open("/space").headers["Location"]
    browser.open(f"{journey}/sign-in", national_id=NATIONAL_ID, remember="1")
    assert "__Host-psc-number" in browser.cookies
    browser.open(f"{journey}/sign-in", national_id=NATIONAL_ID)
    assert "__Host-psc-number" not in browser.cookies
    moment = int(person.world.now.timestamp())
    code = pyotp.TOTP(otp).at(moment)
    browser.open(f"{journey}/sign-in/code", national_id=NATIONAL_ID, ecps_code=CODE, otp=code)
    assert "__Host-psc-session" in browser.cookies
    browser.open("/sign-out", yes="1")
    assert "__Host-psc-session" not in browser.cookies


def test_on_https_every_cookie_is_host_bound_and_out_of_reach_of_scripts(secure: tuple[Browser, Candidate]) -> None:
    browser, person = secure
    activate(browser, person)
    browser.open("/?lang=en")
    assert 'lang="en"' in browser.open("/").text
    assert len(browser.said) > 4
    for line in browser.said:
        assert line.startswith("__Host-psc-")
        for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert attribute in line.split("; ")
