"""People to try: the named ones of the synthetic registry, enrolled without waiting for the two letters.

Codes and secrets are derived from the demo's own root secret, so that the card can be written again at every start.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.demo.passkey import SoftwarePasskey
from pro_sante_connect.demo.population import named_people
from pro_sante_connect.ecps import options, pin
from pro_sante_connect.ecps.models import ACTIVE, Card, OneTimeSecret, Passkey, Phone
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Practitioner

ORIGIN = Origin(actor="demo")
NOT_ENROLLED, SUSPENDED = "not-enrolled", "suspended"
PHONE_NAME = "Téléphone de démonstration"


@dataclass(frozen=True, slots=True)
class Person:
    """One of the people to try."""

    situation: str
    id: int
    national_id: str
    given_name: str
    family_name: str

    @property
    def enrolled(self) -> bool:
        return self.situation != NOT_ENROLLED


def chosen(db: Session) -> list[Person]:
    """The people to try, as the registry holds them; every synthetic registry does, whatever its size."""
    found = []
    for named in named_people():
        row = registry.find(db, named.national_id)
        if row is None:
            raise LookupError(f"{named.national_id} ({named.situation}) is not in the registry: delete the data folder")
        found.append(Person(named.situation, row.id, row.national_id, row.given_name, row.family_name))
    return found


def secret_code(person: Person) -> str:
    """A code that the rules allow for this person."""
    for code in ("7294", "8163", "5927"):
        try:
            return pin.choose(code, identifier=person.national_id)
        except Refusal:
            continue
    raise LookupError("no e-CPS code fits")  # pragma: no cover - three codes in twelve digits


def totp_secret(vault: Vault, person: Person) -> str:
    return base64.b32encode(vault.derive(f"demo totp {person.national_id}")[:20]).decode()


def phone_token(vault: Vault, person: Person) -> str:
    """What the browser of the virtual phone holds."""
    return base64.urlsafe_b64encode(vault.derive(f"demo phone {person.national_id}")).rstrip(b"=").decode()


def ensure(dep: Deployment, people: list[Person]) -> None:
    """Give everybody somewhere to be written to, enrol who is to be enrolled, suspend who is to be suspended."""
    with writing(dep.engine) as db:
        _contacts(db)
    with reading(dep.engine) as db:
        enrolled = set(db.scalars(select(Card.practitioner_id)))
    for person in people:
        if person.enrolled and person.id not in enrolled:
            _enrol(dep, person)


def passkey(dep: Deployment, person: Person) -> SoftwarePasskey:
    """The passkey that the virtual phone holds for this person."""
    seed = dep.vault.derive(f"demo passkey {person.national_id}")
    with reading(dep.engine) as db:
        holder = db.scalars(select(Card.holder).where(Card.practitioner_id == person.id, Card.state == ACTIVE)).one()
    return SoftwarePasskey.derived(seed, rp_id=options.party(dep).rp_id, holder=holder)


def give_passkeys(dep: Deployment, people: list[Person]) -> None:
    """Add that passkey to the cards that lack it."""
    with reading(dep.engine) as db:
        cards = dict(db.execute(select(Card.practitioner_id, Card.id).where(Card.state == ACTIVE)).tuples().all())
        known = set(db.scalars(select(Passkey.credential_id)))
    for person in people:
        if person.id not in cards or (made := passkey(dep, person)).credential_id in known:
            continue
        with writing(dep.engine) as db:
            db.add(
                Passkey(
                    card_id=cards[person.id], practitioner_id=person.id, credential_id=made.credential_id,
                    public_key=made.public_key, sign_count=0, backup_eligible=False, backed_up=False, aaguid="",
                    transports=["internal"], name=PHONE_NAME, added_at=dep.clock.now(),
                )
            )  # fmt: skip


def _contacts(db: Session) -> None:
    """Anybody of the fictional registry may activate an e-CPS; the numbers are of the range kept for fiction."""
    written = {named.national_id: named for named in named_people()}
    unreachable = select(Practitioner).where(Practitioner.contact_email == "").order_by(Practitioner.id)
    for person in db.scalars(unreachable):
        named = written.get(person.national_id)
        person.contact_email = named.contact_email if named else f"p{person.id}@personnes.example"
        person.contact_phone = named.contact_phone if named else f"063998{person.id % 10_000:04d}"


def _enrol(dep: Deployment, person: Person) -> None:
    """What `ecps.enrolment` leaves behind, without its two letters."""
    now = dep.clock.now()
    sealed = pin.seal(dep.vault, secret_code(person), chance=dep.chance)
    with writing(dep.engine) as db:
        card = Card(
            practitioner_id=person.id, holder=dep.chance.token(32), state=ACTIVE, pin=sealed, made_at=now,
            expires_at=now + timedelta(seconds=dep.settings.lifetimes.card),
        )  # fmt: skip
        db.add(card)
        db.flush()
        common: dict[str, Any] = {"card_id": card.id, "practitioner_id": person.id, "added_at": now}
        secret = dep.vault.seal(totp_secret(dep.vault, person).encode(), purpose=Purpose.TOTP_SECRET)
        db.add(OneTimeSecret(**common, sealed=secret, last_step=0, name="", confirmed_at=now))
        db.add(Phone(**common, token_digest=digest(phone_token(dep.vault, person)), name=PHONE_NAME))
        if person.situation == SUSPENDED:
            decisions.suspend(db, registry.get(db, person.id), reason="demo", origin=ORIGIN, now=now)


def card(vault: Vault, people: list[Person], message_box_url: str) -> list[dict[str, Any]]:
    """The people as `demo.json` shows them; who is not enrolled has no code yet."""
    return [
        {
            "situation": person.situation,
            "national_id": person.national_id,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "ecps_code": secret_code(person) if person.enrolled else None,
            "totp_secret": totp_secret(vault, person) if person.enrolled else None,
            "phone_url": f"{message_box_url}/phones/{person.national_id}" if person.enrolled else None,
        }
        for person in people
    ]
