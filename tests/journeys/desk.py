"""A person at a computer and with a phone in her pocket: forms alone, over HTTP."""

import re
from dataclasses import dataclass, field
from html import unescape

import pyotp
import requests

from tests.ecps.people import CODE, Candidate
from tests.serving import Served
from tests.web.test_pages import ask, follow
from tests.web.test_sign_in import submit


@dataclass
class Desk:
    """Her computer asks, her phone answers."""

    served: Served
    person: Candidate
    computer: requests.Session = field(default_factory=requests.Session)
    pocket: requests.Session = field(default_factory=requests.Session)
    journey: str = ""

    def open(self, client: str, **changes: str) -> requests.Response:
        """To the sign-in page."""
        page = follow(self.served, self.computer, ask(self.served, self.computer, client, **changes))
        assert page.url.endswith("/sign-in")
        self.journey = page.url.removesuffix("/sign-in")
        return page

    def send(self, browser: requests.Session, page: requests.Response, form: str, **fields: str) -> requests.Response:
        return follow(self.served, browser, submit(self.served, browser, page, form, **fields))

    def ask_phone(self, client: str, **changes: str) -> str:
        """Ask the phone; the number the computer shows."""
        page = self.open(client, **changes)
        sent = {"csrf_token": _hidden(page, "csrf_token"), "national_id": self.person.national_id}
        answer = self.computer.post(self.journey + "/phone", sent, allow_redirects=False)
        page = follow(self.served, self.computer, answer)
        shown = re.search(r'id="number">([0-9 ]+)<', page.text)
        assert shown, page.text
        return shown[1].replace(" ", "")

    def look(self) -> requests.Response:
        """What waits on the phone."""
        self.pocket.cookies.set("psc-phone", self.person.phone, domain="localhost.local")
        return self.pocket.get(self.served.base + "/phone")

    def answer(self, number: str) -> requests.Response:
        """Type it, or pick it."""
        return self.send(self.pocket, self.look(), "/number", number=number)

    def approve(self) -> requests.Response:
        return self.send(self.pocket, self.look(), "/approve", ecps_code=CODE)

    def state(self) -> str:
        """What the computer knows."""
        return str(self.computer.get(self.journey + "/wait/state").json()["state"])

    def finish(self) -> requests.Response:
        """The computer collects the proof."""
        answer = self.computer.get(self.journey + "/wait/finish", allow_redirects=False)
        return follow(self.served, self.computer, answer)

    def activate(self, codes: dict[str, str]) -> str:
        """An e-CPS with a code app; its phone is the browser in her pocket. The secret of the app."""
        page = self.pocket.get(self.served.base + "/activate/codes")
        page = self.send(self.pocket, page, "/activate/codes", mail_code=codes["mail"], sms_code=codes["sms"])
        page = self.send(self.pocket, page, "/activate/code", ecps_code=CODE)
        page = self.send(self.pocket, page, "/activate/passkey", skip="1")
        found = re.search(r"\b[A-Z2-7]{32,}\b", unescape(page.text).replace(" ", ""))
        assert found, page.text
        now = int(self.served.world.now.timestamp())
        page = self.send(self.pocket, page, "/activate/totp", otp=pyotp.TOTP(found[0]).at(now))
        self.send(self.pocket, page, "/activate/done", name="Pixel")
        self.person.secret, self.person.phone = found[0], str(self.pocket.cookies["psc-phone"])
        return found[0]


def _hidden(page: requests.Response, name: str) -> str:
    return unescape(page.text.split(f'name="{name}" value="')[1].split('"')[0])
