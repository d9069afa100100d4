"""What the log of a whole run holds: activation, both ways to sign in, tokens, logout, refusals; and no secret."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests
from sqlalchemy import Engine

from tests.ecps.people import CODE, candidate
from tests.journeys.desk import Desk
from tests.oidc.parties import CALLBACK, CHALLENGE, VERIFIER, make_cast
from tests.serving import serving
from tests.web.test_logs import Kept
from tests.web.test_pages import ask, follow, returned

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@pytest.fixture
def everything() -> Iterator[Kept]:
    """All loggers, the libraries' too, down to the last detail."""
    root, handler = logging.getLogger(), Kept()
    handler.setLevel(logging.DEBUG)
    handler.addFilter(lambda record: not record.name.startswith("urllib3"))  # the test's own client
    levels = {name: logging.getLogger(name).level for name in ("", "psc", "uvicorn", "sqlalchemy")}
    root.addHandler(handler)
    for name in ("", "psc", "uvicorn"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@dataclass
class Run:
    """What happened, and everything secret that was said on the way."""

    desk: Desk
    client: tuple[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    def activate(self) -> None:
        codes = self.desk.person.ask()
        self.secrets |= {"mail code": codes["mail"], "SMS code": codes["sms"]}
        self.secrets["secret of the app"] = self.desk.activate(codes)
        self.keep_cookies("phone", self.desk.pocket)

    def keep_cookies(self, whose: str, browser: requests.Session) -> None:
        self.secrets |= {f"{whose}: {cookie.name}": str(cookie.value) for cookie in browser.cookies
                         if cookie.name not in ("psc-lang", "psc-way")}  # fmt: skip

    def codes(self, ecps_code: str, otp: str) -> requests.Response:
        desk, number = self.desk, self.desk.person.national_id
        desk.served.world.clock.advance(30)
        page = desk.open(self.client[0], prompt="login", **PKCE)
        page = desk.send(desk.computer, page, "/sign-in", national_id=number)
        return desk.send(desk.computer, page, "/sign-in/code", national_id=number, ecps_code=ecps_code, otp=otp)

    def sign_in_by_codes(self) -> str:
        self.desk.served.world.clock.advance(30)
        otp = self.desk.person.otp()
        self.desk.served.world.clock.advance(-30)
        self.secrets["one-time code"] = otp
        code = returned(self.codes(CODE, otp))["code"]
        self.secrets["code"] = code
        self.keep_cookies("computer", self.desk.computer)
        return code

    def sign_in_by_phone(self) -> str:
        number = self.desk.ask_phone(self.client[0], prompt="login", **PKCE)
        self.secrets["number"] = number
        self.desk.answer(number)
        self.desk.approve()
        code = returned(self.desk.finish())["code"]
        self.secrets["code by phone"] = code
        self.keep_cookies("computer again", self.desk.computer)
        return code

    def use_tokens(self, code: str) -> None:
        oidc = self.desk.served.oidc
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        first = requests.post(oidc + "/token", form, auth=self.client).json()
        refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = requests.post(oidc + "/token", refresh, auth=self.client).json()
        for name, tokens in (("first", first), ("second", second)):
            self.secrets |= {f"{name} {kind}": tokens[kind] for kind in ("access_token", "id_token", "refresh_token")}
        bearer = {"Authorization": f"Bearer {second['access_token']}"}
        for answer in (
            requests.get(oidc + "/userinfo", headers=bearer),
            requests.post(oidc + "/token/introspect", {"token": second["refresh_token"]}, auth=self.client),
            requests.get(oidc + "/logout", {"id_token_hint": second["id_token"]}),
        ):
            assert answer.status_code == 200
        for again in (form, refresh):  # refused: spent
            assert requests.post(oidc + "/token", again, auth=self.client).status_code == 400

    def be_refused(self) -> None:
        desk, oidc = self.desk, self.desk.served.oidc
        wrong = {"guessed secret": "guess-of-a-secret", "wrong one-time code": "918273", "wrong e-CPS code": "5061"}
        self.secrets |= wrong | {"state": "state-of-a-service", "hint": "hint.of.somebody", "query": "in-the-address"}
        assert self.codes(wrong["wrong e-CPS code"], wrong["wrong one-time code"]).status_code == 422
        token = {"grant_type": "authorization_code", "code": "x"}
        assert requests.post(oidc + "/token", token, auth=(self.client[0], wrong["guessed secret"])).status_code == 401
        ask(desk.served, desk.computer, "nobody", state="state-of-a-service")
        follow(desk.served, desk.computer, ask(desk.served, desk.computer, self.client[0], scope="admin",
                                               state="state-of-a-service"))  # fmt: skip
        requests.get(oidc + "/userinfo", headers={"Authorization": "Bearer hint.of.somebody"})
        requests.get(oidc + "/logout", {"id_token_hint": "hint.of.somebody"}, allow_redirects=False)
        requests.get(oidc + "/userinfo?access_token=in-the-address")
        requests.get(desk.served.base + "/in-the-address?code=in-the-address")
        requests.post(desk.served.base + "/activate/codes", {"mail_code": "in-the-address"})


def test_a_whole_run_leaves_no_secret_in_the_log(engine: Engine, everything: Kept) -> None:
    with serving(engine) as served:
        people = make_cast(served.world)
        person = candidate(served.world, "899800000017")
        run = Run(Desk(served, person), people.client(asks_consent=False))
        run.secrets |= {"client secret": run.client[1], "national id": person.national_id,
                        "RPPS": person.national_id[1:], "verifier": VERIFIER, "name": "ARROSOIR", "e-CPS code": CODE,
                        "mail": "chloe@personnes.example", "mobile": "0639980001"}  # fmt: skip
        run.activate()
        run.sign_in_by_codes()
        run.use_tokens(run.sign_in_by_phone())
        run.be_refused()
    ours = [line for line in everything.lines if '"logger":"psc' in line]
    assert len(ours) > 40  # the run was heard
    assert told(run.secrets, "\n".join(everything.lines)) == set()


def told(secrets: dict[str, str], said: str) -> set[str]:
    """Names of the secrets that stand there as a word of their own."""
    return {name for name, secret in secrets.items() if re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", said)}


def test_a_secret_that_is_told_would_be_seen() -> None:
    assert told({"code": "7294", "token": "a.b-c"}, '{"x":"7294","port":17294,"y":"a.b-cd"}') == {"code"}
