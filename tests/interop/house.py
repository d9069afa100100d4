"""A provider of its own for the emulations that move the clock, choose the settings or bring their registry.

What stands before the first request is made by the rooms' own functions; the programs use HTTP and nothing else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyotp

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.demo.clients import TEST_LOGOUTS, TEST_REDIRECTS
from pro_sante_connect.ecps import pairing
from pro_sante_connect.oidc import registration
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from tests.demo.visitor import Visitor
from tests.ecps.people import CODE, Candidate
from tests.interop.client import Program
from tests.rpps.files import Facts, load, write
from tests.serving import Served

Person = dict[str, Any]


@dataclass
class House:
    """What a demo is to a program (`card`, `client`, `otp`), on a frozen clock."""

    served: Served
    folder: Path
    holders: dict[str, Candidate] = field(default_factory=dict)
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    card: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.card = {"issuer": self.served.world.dep.settings.issuer.issuer, "wallet_url": self.served.base}

    def client(self, client_id: str) -> dict[str, Any]:
        return self.clients[client_id]

    def otp(self, person: Person) -> str:
        """A one-time code not used yet: its time comes by moving the clock."""
        self.later(30)
        return pyotp.TOTP(person["totp_secret"]).at(int(self.served.world.now.timestamp()))

    def later(self, seconds: float) -> None:
        self.served.world.clock.advance(seconds)

    def import_registry(self, rows: Sequence[Facts]) -> None:
        """Through the importer that every real file goes through."""
        assert load(self.served.world, write(self.folder / "extract", rows)).state == "published"

    def enrol(self, national_id: str) -> Person:
        """The person activates an e-CPS, the first of the house with a passkey; what the demo's card would say."""
        world = self.served.world
        with writing(world.engine) as db:
            known = registry.find(db, national_id)
            assert known is not None
            known.contact_email, known.contact_phone = f"{national_id}@personnes.example", "0639980001"
            holder = Candidate(world, known.id, national_id)
        self.holders[national_id] = holder.enrol(passkey=not self.holders)
        return {
            "national_id": national_id, "ecps_code": CODE, "totp_secret": holder.secret, "passkey": holder.answer,
        }  # fmt: skip

    def strike_off(self, person: Person) -> None:
        """As `psc practitioner strike-off` does."""
        world = self.served.world
        with writing(world.engine) as db:
            known = registry.get(db, self.holders[person["national_id"]].practitioner)
            practice.decide(db, known, decisions.strike_off, reason="DISC", origin=SYSTEM, now=world.now)

    def program(self, client_id: str = "essai-psc", kind: type[Program] = Program, **wish: Any) -> Program:
        """Register a client for programs; the program that uses it, with a browser of its own."""
        asked = {
            "client_id": client_id, "name_fr": "Programme d’essai", "profile": "psc", "asks_consent": False,
            "redirect_uris": TEST_REDIRECTS, "post_logout_redirect_uris": TEST_LOGOUTS,
        } | wish  # fmt: skip
        world = self.served.world
        with writing(world.engine) as db:
            made = registration.register(
                db, registration.Wish(**asked), exempt=world.dep.settings.outbound.exempt, origin=SYSTEM,
                chance=world.chance, now=world.now,
            )  # fmt: skip
            self.clients[client_id] = {"client_id": client_id, "client_secret": made.secret}
        return kind(self, client_id)

    def phone(self, person: Person) -> Visitor:
        """A browser that becomes the person's phone, by the link that her own space would show."""
        world, phone = self.served.world, Visitor()
        with writing(world.engine) as db:
            known = registry.get(db, self.holders[person["national_id"]].practitioner)
            link = pairing.issue(db, known, chance=world.chance, now=world.now, lifetimes=world.dep.settings.lifetimes)
        phone.open(f"{self.served.base}/pair?t={link}")
        phone.send("/pair", name="Poche")
        return phone


class ByPasskey(Program):
    """Its person proves herself by the passkey of her device, without typing a number."""

    def prove(self, person: Person) -> None:
        page = self.visitor.page.text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        options = re.search(r'data-options="([^"]+)"', page)
        assert token
        assert options
        asked = self.visitor.session.post(
            urljoin(self.visitor.url, options[1]), json={"national_id": ""}, headers={"X-CSRF-Token": token[1]},
            timeout=20,
        )  # fmt: skip
        self.visitor.send("/sign-in/passkey", follow=False, credential=person["passkey"](asked.json()))
