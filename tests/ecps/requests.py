"""A phone approval under way, for tests: the computer's side and the phone's."""

from dataclasses import dataclass

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading
from pro_sante_connect.ecps import approval, phones
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate

COMPUTER, OTHER = "computer 1", "computer 2"


@dataclass
class Asked:
    """A request that waits, and whom it asks."""

    person: Candidate
    id: str

    @property
    def number(self) -> str:
        return self.view().number

    def view(self, browser: str = COMPUTER) -> approval.DesktopView:
        return approval.desktop_view(self.person.dep, self.id, browser=browser)

    def seen(self) -> approval.PhoneView | None:
        """What the phone shows."""
        world = self.person.world
        with reading(world.engine) as db:
            phone = phones.find(db, self.person.phone, now=world.now)
            assert phone is not None
            return approval.phone_view(db, phone, dep=self.person.dep)

    def type(self, number: str) -> None:
        approval.submit_number(self.person.dep, self.person.phone, self.id, number, origin=BROWSER)

    def scan(self, link: str) -> str:
        """Scanned and confirmed; the request it matched."""
        dep, phone = self.person.dep, self.person.phone
        scanned = approval.scan(dep, phone, link.rpartition("/")[2], origin=BROWSER)
        approval.confirm_scan(dep, phone, scanned.view.id, scanned.proof, origin=BROWSER)
        return scanned.view.id

    def approve(self, code: str = CODE) -> None:
        approval.approve_with_code(self.person.dep, self.person.phone, self.id, code, origin=BROWSER)

    def approve_by_passkey(self) -> None:
        dep, phone = self.person.dep, self.person.phone
        credential = self.person.answer(approval.start_proof(dep, phone, self.id))
        approval.approve_with_passkey(dep, phone, self.id, credential, ended=end_sessions, origin=BROWSER)

    def refuse(self) -> None:
        approval.refuse(self.person.dep, self.person.phone, self.id, origin=BROWSER)

    def collect(self, browser: str = COMPUTER):
        return approval.collect(self.person.dep, self.id, browser=browser, origin=BROWSER)


def ask(
    person: Candidate, typed: str = NATIONAL_ID, *, browser: str = COMPUTER, address: str = BROWSER.address,
    familiar: str = "",
) -> Asked:  # fmt: skip
    made = approval.start(
        person.dep, typed=typed, browser=browser, service="Dossier", device="Firefox, Linux",
        origin=Origin(address=address), familiar_cookie=familiar,
    )  # fmt: skip
    return Asked(person, made)


def wrong(number: str) -> str:
    return "0" * len(number) if number != "0" * len(number) else "1" * len(number)
