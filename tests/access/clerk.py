"""Members of staff at their browsers: invited by the room's verbs, joined and signed in over HTTP."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from pro_sante_connect.access import accounts
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.demo.passkey import SoftwarePasskey
from tests.demo.visitor import Visitor
from tests.serving import Served


@dataclass
class Clerk:
    """One member of staff, her browser and her passkey."""

    served: Served
    account: int
    token: str
    visitor: Visitor = field(default_factory=Visitor)
    passkey: SoftwarePasskey | None = None

    def join(self) -> "Clerk":
        """Open the link, make a passkey."""
        self.visitor.open(f"{self.served.base}/staff/join/{self.token}")
        made = self.asked(f"/staff/join/{self.token}/options")
        self.passkey = SoftwarePasskey.derived(
            self.token.encode().ljust(32)[:32], rp_id=urlsplit(self.served.base).hostname or "",
            holder=str(made["user"]["id"]),
        )  # fmt: skip
        answer = self.passkey.create(made, origin=self.served.base)
        self.visitor.send(self.token, credential=json.dumps(answer), name="clé")
        return self

    def sign_in(self, *, page: str = "/staff") -> "Clerk":
        """By the passkey."""
        self.visitor.open(self.served.base + page)
        if not self.visitor.url.partition("?")[0].endswith("/sign-in"):
            return self
        asked = self.asked("/staff/sign-in/options")
        assert self.passkey is not None
        answer = self.passkey.get(asked, origin=self.served.base)
        self.visitor.send("/staff/sign-in", credential=json.dumps(answer))
        return self

    def asked(self, path: str) -> dict[str, Any]:
        """Options of a ceremony."""
        token = re.findall(r'name="csrf_token" value="(\w+)"', self.visitor.page.text)[0]
        headers = {"X-CSRF-Token": token, "Accept": "application/json"}
        found: dict[str, Any] = self.visitor.session.post(
            self.served.base + path, json={}, headers=headers, timeout=20
        ).json()
        return found

    def open(self, path: str) -> str:
        return self.visitor.open(self.served.base + path)

    @property
    def page(self) -> requests.Response:
        return self.visitor.page

    def decide(self, person: int, kind: str, *, reason: str, **fields: str) -> str:
        """Fill in, see the consequence, confirm."""
        path = f"/staff/people/{person}/decide/{kind}"
        self.open(path)
        seen = self.visitor.send(path, reason=reason, **fields)
        return self.visitor.send(path, confirmed="1") if 'name="confirmed"' in seen else seen

    def answer(self, proposal: int, answer: str, word: str = "") -> str:
        """The second signature, or a refusal."""
        self.open(f"/staff/approvals/{proposal}")
        return self.visitor.send(f"/staff/approvals/{proposal}", answer=answer, word=word)


def clerk(served: Served, name: str, *roles: str, national_id: str = "", **scope: Any) -> Clerk:
    """Somebody with these roles, signed in."""
    world = served.world
    with writing(world.engine) as db:
        made = accounts.invite(
            db, email=f"{name}@registre.example", name=name.title(), national_id=national_id, origin=SYSTEM,
            chance=world.chance, now=world.now,
        )  # fmt: skip
        for role in roles:
            accounts.grant(db, made.account.id, role, origin=SYSTEM, now=world.now, **scope)
        built = Clerk(served, made.account.id, made.token)
    return built.join().sign_in()
