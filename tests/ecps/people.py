"""A person with an active card, for tests of the card's room."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pyotp
from sqlalchemy import func, select

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import SYSTEM, Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.demo.passkey import SoftwarePasskey
from pro_sante_connect.ecps import enrolment, pin, totp
from pro_sante_connect.ecps.models import ACTIVE, Card
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.settings import Policy
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.world import World

BROWSER = Origin(actor="", address="192.0.2.7")

NATIONAL_ID = "899820424051"
CODE = "7294"
DOSSIER = '{"civility":"","family_name":"ARROSOIR","given_name":"CHLOE","other_ids":[],"exercices":[]}'


@dataclass
class Holder:
    """Ids and secrets of that person."""

    world: World
    practitioner: int
    card: int
    secret: str

    def otp(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.world.now.timestamp()))


def make_holder(world: World) -> Holder:
    now, sealed = world.now, pin.seal(world.dep.vault, CODE, chance=world.chance)
    person = candidate(world).practitioner
    with writing(world.engine) as db:
        card = Card(
            practitioner_id=person, holder=world.chance.token(32), state=ACTIVE, pin=sealed, made_at=now,
            expires_at=now + timedelta(days=900),
        )  # fmt: skip
        db.add(card)
        db.flush()
        offer = totp.offer(db, card, vault=world.dep.vault, chance=world.chance, service="Test", now=now)
        db.flush()
        first = pyotp.TOTP(offer.secret).at(int(now.timestamp()))
        totp.confirm(db, card, first, vault=world.dep.vault, now=now)
        made = Holder(world, person, card.id, offer.secret)
    world.clock.advance(30)
    return made


@dataclass
class Candidate:
    """Somebody of the registry who activates an e-CPS by the room's own verbs; afterwards, its holder."""

    world: World
    practitioner: int
    national_id: str = NATIONAL_ID
    token: str = ""
    phone: str = ""
    secret: str = ""
    passkey: SoftwarePasskey | None = None
    language: str = "fr"
    seed: int = 1  # of the passkey

    @property
    def dep(self) -> Deployment:
        return self.world.dep

    def ask(self) -> dict[str, str]:
        """Both codes, as the person reads them; none when nothing was sent."""
        before = self._last_note()
        enrolment.ask(self.dep, self.national_id, language=self.language, origin=BROWSER)
        return self.received(before)

    def received(self, after: int = 0) -> dict[str, str]:
        """The newest code of each channel, of those that left after that note."""
        wanted = select(OutboxNote).where(OutboxNote.id > after, OutboxNote.sealed.is_not(None)).order_by(OutboxNote.id)
        with reading(self.world.engine) as db:
            sent = db.scalars(wanted).all()
        return {
            note.facts["channel"]: json.loads(self.dep.vault.open(note.sealed, purpose=Purpose.OUTBOX_NOTE))["code"]
            for note in sent
            if note.sealed
        }

    def _last_note(self) -> int:
        with reading(self.world.engine) as db:
            return int(db.scalar(select(func.max(OutboxNote.id))) or 0)

    def verify(self, codes: dict[str, str]) -> str:
        return enrolment.verify(
            self.dep, mail_code=codes["mail"], sms_code=codes["sms"], language=self.language, origin=BROWSER
        )

    def step(self) -> enrolment.Step:
        with reading(self.world.engine) as db:
            return enrolment.progress(db, self.token, now=self.world.now).step

    def make_passkey(self, seed: int = 0) -> str:
        """The answer of this person's authenticator to the creation options."""
        options = enrolment.start_passkey(self.dep, self.token)
        self.passkey = new_passkey(options, seed or self.seed)
        return json.dumps(self.passkey.create(options, origin=wallet(self.world)))

    def otp(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.world.now.timestamp()))

    def enrol(self, *, passkey: bool = True, app: bool = True) -> "Candidate":
        """The whole way."""
        self.token = self.verify(self.ask())
        enrolment.choose_code(self.dep, self.token, CODE, origin=BROWSER)
        if passkey:
            enrolment.finish_passkey(self.dep, self.token, self.make_passkey(), name="Téléphone", origin=BROWSER)
        else:
            enrolment.skip_passkey(self.dep, self.token)
        if app:
            self.secret = enrolment.start_totp(self.dep, self.token).secret
            enrolment.confirm_totp(self.dep, self.token, self.otp(), origin=BROWSER)
        else:
            enrolment.skip_totp(self.dep, self.token)
        self.phone = enrolment.finish(self.dep, self.token, phone_name="Pixel", ended=end_sessions, origin=BROWSER)
        self.world.clock.advance(30)
        return self

    def answer(self, options: dict[str, Any]) -> str:
        """What the passkey answers."""
        assert self.passkey is not None
        return json.dumps(self.passkey.get(options, origin=wallet(self.world)))


def new_passkey(options: dict[str, Any], seed: int) -> SoftwarePasskey:
    return SoftwarePasskey.derived(bytes([seed]) * 32, rp_id=options["rp"]["id"], holder=options["user"]["id"])


def wallet(world: World) -> str:
    return world.dep.settings.issuer.wallet_base


def candidate(world: World, national_id: str = NATIONAL_ID, **facts: Any) -> Candidate:
    """In the registry, with a mail address and a mobile, without a card."""
    now = world.now
    known = {"contact_email": "chloe@personnes.example", "contact_phone": "0639980001"} | facts
    with writing(world.engine) as db:
        person = Practitioner(
            national_id=national_id, id_type="8", identifier=national_id[1:], origin="extract", civility="",
            family_name="ARROSOIR", given_name="CHLOE", folded_name="arrosoir chloe", digest="d",
            dossier=DOSSIER, present_since=now - timedelta(days=9), changed_at=now, **known,
        )  # fmt: skip
        db.add(person)
        db.flush()
        return Candidate(world, person.id, national_id)


def reached(world: World, practitioner: int, national_id: str = NATIONAL_ID) -> Candidate:
    """Somebody who is in the registry already: now with a mail address and a mobile."""
    with writing(world.engine) as db:
        person = db.get_one(Practitioner, practitioner)
        person.contact_email, person.contact_phone = "chloe@personnes.example", "0639980001"
    return Candidate(world, practitioner, national_id)


def with_policy(person: Candidate, policy: Policy) -> Candidate:
    """The same person in a deployment with that policy."""
    world = person.world
    dep = replace(world.dep, settings=replace(world.dep.settings, policy=policy))
    return replace(person, world=World(dep, world.clock, world.chance))


def suspend(person: Candidate) -> None:
    world = person.world
    with writing(world.engine) as db:
        known = registry.get(db, person.practitioner)
        decisions.suspend(db, known, reason="test", origin=SYSTEM, now=world.now)


def events(person: Candidate) -> list[str]:
    """The journal about that person, oldest first."""
    with reading(person.world.engine) as db:
        entries = journal.trail(db, registry.subject(person.practitioner), limit=1000)
    return [entry.event for entry in reversed(entries)]


def languages(person: Candidate) -> set[str]:
    """Languages of the messages that person was sent."""
    with reading(person.world.engine) as db:
        notes = db.scalars(select(OutboxNote).where(OutboxNote.topic == "message:send")).all()
    return {note.facts["language"] for note in notes if note.subject == registry.subject(person.practitioner)}


def told(person: Candidate) -> list[str]:
    """Templates of the messages that person was sent, oldest first."""
    with reading(person.world.engine) as db:
        notes = db.scalars(select(OutboxNote).where(OutboxNote.topic == "message:send").order_by(OutboxNote.id)).all()
    subject = registry.subject(person.practitioner)
    return [note.facts["template"] for note in notes if note.subject == subject]


def winners(act: Callable[[], Any], hands: int = 10) -> int:
    """How many of so many hands at the same moment succeed; the others hear a refusal, and nothing worse."""

    def attempt(_: int) -> bool:
        try:
            act()
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(hands) as pool:
        return sum(pool.map(attempt, range(hands)))
