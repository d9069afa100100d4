"""The scan of a QR code: what another page makes this browser open changes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from sqlalchemy import Engine, select

from pro_sante_connect.core.database import reading
from pro_sante_connect.ecps import approval_codes
from pro_sante_connect.ecps.models import Approval
from tests.ecps.people import CODE, Candidate, candidate
from tests.oidc.parties import CALLBACK, make_cast
from tests.serving import Served, serving
from tests.web.test_pages import ask, follow
from tests.web.test_sign_in import submit

NUMBER = "810000000017"


@dataclass
class Devices:
    """A computer and the activated phone of one person, two browsers."""

    served: Served
    person: Candidate
    client: str
    computer: requests.Session
    phone: requests.Session
    waiting: requests.Response | None = None

    def ask(self) -> str:
        """The computer asks; its waiting page and the address of it."""
        served, browser = self.served, self.computer
        page = follow(served, browser, ask(served, browser, self.client))
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
        address = page.url.replace("/sign-in", "/phone")
        form = {"csrf_token": token, "national_id": NUMBER}
        answer = browser.post(address, data=form, allow_redirects=False)
        self.waiting = follow(served, browser, answer)
        return self.waiting.url

    def states(self) -> list[str]:
        """Of all requests so far."""
        with reading(self.served.world.engine) as db:
            return sorted(db.scalars(select(Approval.state)))

    def link(self) -> str:
        """What the QR code carries now."""
        dep = self.served.world.dep
        with reading(dep.engine) as db:
            asked = db.scalars(select(Approval.id).where(Approval.state == "pending")).one()
        return f"{self.served.base}/phone/scan/{approval_codes.qr_token(dep.vault, asked, now=dep.clock.now())}"


@pytest.fixture
def devices(engine: Engine) -> Iterator[Devices]:
    with serving(engine) as served:
        people = make_cast(served.world)
        person = candidate(served.world, NUMBER).enrol(passkey=False)
        phone = requests.Session()
        phone.cookies.set("psc-phone", person.phone, domain="localhost.local")
        yield Devices(served, person, people.client(asks_consent=False)[0], requests.Session(), phone)


@pytest.mark.parametrize("site", ["cross-site", "none"])
def test_opening_the_address_of_a_qr_code_asks_and_the_click_confirms(devices: Devices, site: str) -> None:
    waiting = devices.ask()
    page = devices.phone.get(devices.link(), headers={"Sec-Fetch-Site": site})
    assert (page.status_code, devices.states()) == (200, ["pending"])
    assert "Dossier" in page.text
    forged = devices.phone.post(page.url.partition("/scan/")[0] + "/x/scanned", data={"proof": "x"})
    assert forged.status_code == 400
    page = follow(devices.served, devices.phone, submit(devices.served, devices.phone, page, "/scanned"))
    assert devices.states() == ["matched"]
    assert submit(devices.served, devices.phone, page, "/approve", ecps_code=CODE).status_code == 303
    done = devices.computer.get(f"{waiting}/finish", allow_redirects=False)
    assert follow(devices.served, devices.computer, done).headers["Location"].startswith(CALLBACK)


def test_after_three_requests_without_an_answer_the_computer_shows_the_qr_code_alone(devices: Devices) -> None:
    for _ in range(4):
        devices.ask()
    assert devices.waiting is not None
    assert 'id="number"' not in devices.waiting.text
    assert "celle-ci n’apparaît pas" in devices.waiting.text
    assert "Aucune demande en attente" in devices.phone.get(devices.served.base + "/phone").text
    page = devices.phone.get(devices.link())
    follow(devices.served, devices.phone, submit(devices.served, devices.phone, page, "/scanned"))
    assert devices.states() == ["matched", "replaced", "replaced", "replaced"]
    assert 'id="submit"' in devices.phone.get(devices.served.base + "/phone").text
