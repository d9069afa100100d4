"""People to try: chosen from the loaded registry by what they are, then enrolled without the letters.

Codes and secrets are derived from the demo's own root secret, so that the card can be written again at every start.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import String, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Vault
from pro_sante_connect.ecps import pin
from pro_sante_connect.ecps.models import ACTIVE, Card, OneTimeSecret, Phone
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Practitioner

ORIGIN = Origin(actor="demo")
PHARMACIST = "21"
NOT_ENROLLED, SUSPENDED, ANY = "not-enrolled", "suspended", "any"
MORE = 20
PHONE_NAME = "Téléphone de démonstration"

Dossier = dict[str, Any]


def _activities(dossier: Dossier) -> list[Dossier]:
    return [activite for exercice in dossier["exercices"] for activite in exercice["activites"]]


def _structures(dossier: Dossier) -> int:
    return len({activite["structure"]["technical_id"] for activite in _activities(dossier)} - {""})


def _professions(dossier: Dossier) -> list[str]:
    return [exercice["profession"] for exercice in dossier["exercices"]]


def _simple(dossier: Dossier) -> bool:
    return len(dossier["exercices"]) == 1 and len(_activities(dossier)) == 1


# situation → what such a person's dossier looks like; one person is taken for each, in this order
SITUATIONS: dict[str, Callable[[Dossier], bool]] = {
    "one-activity": lambda one: _simple(one) and _professions(one) == ["10"],
    "five-activities": lambda one: len(_activities(one)) == 5 and _structures(one) == 3 and len(one["exercices"]) == 1,
    "two-exercices": lambda one: len(one["exercices"]) == 2 and len(_activities(one)) >= 2,
    "pharmacist": lambda one: _simple(one) and _professions(one) == [PHARMACIST],
    "no-exercice": lambda one: not one["exercices"],
    SUSPENDED: _simple,
    NOT_ENROLLED: _simple,
}


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


def choose(db: Session) -> list[Person]:
    """One person for each situation, then twenty more; the same registry gives the same people."""
    columns = (Practitioner.id, Practitioner.national_id, Practitioner.given_name, Practitioner.family_name)
    rows = db.execute(
        select(*columns, Practitioner.dossier)
        .where(Practitioner.absent_since.is_(None), Practitioner.national_id.like("8%"))
        .order_by(Practitioner.national_id)
    ).all()
    dossiers = {row.id: orjson.loads(row.dossier) for row in rows}
    taken: dict[int, str] = {}
    for situation, fits in SITUATIONS.items():
        found = next((row.id for row in rows if row.id not in taken and fits(dossiers[row.id])), None)
        if found is None:
            raise LookupError(f"nobody in the synthetic registry is: {situation}")
        taken[found] = situation
    more = [row.id for row in rows if row.id not in taken and _activities(dossiers[row.id])][:MORE]
    people = {row.id: row for row in rows}
    return [
        Person(situation, person, *(people[person][1:4]))
        for person, situation in [*taken.items(), *((one, ANY) for one in more)]
    ]


def remembered(db: Session, data: Path) -> list[Person]:
    """The people chosen at the first start, whatever happened to them since."""
    file = data / "people.json"
    if not file.exists():
        chosen = choose(db)
        file.write_text(json.dumps([[one.situation, one.national_id] for one in chosen]), "utf-8")
        return chosen
    people = []
    for situation, national_id in json.loads(file.read_text("utf-8")):
        row = registry.find(db, national_id)
        if row is not None:
            people.append(Person(situation, row.id, row.national_id, row.given_name, row.family_name))
    return people


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


def _contacts(db: Session) -> None:
    """Fictional addresses; the numbers are of the range kept for fiction."""
    number = Practitioner.id % 10_000
    unreachable = (
        update(Practitioner)
        .where(Practitioner.contact_email == "")
        .values(
            contact_email=Practitioner.national_id + "@personnes.example",
            contact_phone="+3363998" + (number + 10_000).cast(String),
        )
    )
    db.execute(unreachable.execution_options(synchronize_session=False))


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
        secret = totp_secret(dep.vault, person).encode()
        db.add(OneTimeSecret(**common, sealed=dep.vault.seal(secret), last_step=0, name="", confirmed_at=now))
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
