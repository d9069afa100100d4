"""Find people, their standing and their open activities."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session, aliased

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import outbox
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import moment
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.rpps.models import Activite, Decision, Practitioner
from pro_sante_connect.rpps.status import Block, Kind, Presence, Scope, Standing, activite_usable


@dataclass(frozen=True, slots=True)
class OpenActivite:
    """One activity that may be used now: `facts` and `exercice` as the dossier has them."""

    id: int
    profession: str
    category: str
    facts: dict[str, Any]
    exercice: dict[str, Any]


def subject(practitioner_id: int) -> str:
    """How the journal and the outbox name a person."""
    return f"practitioner:{practitioner_id}"


def find(db: Session, national_id: str) -> Practitioner | None:
    """Whoever bears that national identifier, present or not."""
    return db.scalars(select(Practitioner).where(Practitioner.national_id == national_id)).one_or_none()


def get(db: Session, practitioner_id: int) -> Practitioner:
    """That person; refuses `practitioner-unknown`."""
    found = db.get(Practitioner, practitioner_id)
    if found is None:
        raise Refusal("practitioner-unknown")
    return found


def dossier(practitioner: Practitioner) -> dict[str, Any]:
    """The dossier as a value."""
    return dict(orjson.loads(practitioner.dossier))


def standing(db: Session, practitioner_id: int) -> Standing:
    """All that decides whether the person may sign in; refuses `practitioner-unknown`."""
    return standing_of(db, get(db, practitioner_id))


def standing_of(db: Session, practitioner: Practitioner) -> Standing:
    """The same, the person at hand."""
    # Protection hides a person from the public files: their silence says nothing about her.
    absent_since = None if practitioner.protected else practitioner.absent_since
    exercices = dossier(practitioner)["exercices"]
    return Standing(
        Presence(practitioner.present_since, absent_since),
        tuple(_blocks(db, practitioner.id)),
        tuple((exercice["profession"], exercice["category"]) for exercice in exercices),
    )


def _blocks(db: Session, practitioner_id: int) -> list[Block]:
    blocks: list[Block] = []
    for kind, scope, profession, category, activite_id, since, *until in _decisions.all(
        within(db), practitioner=practitioner_id
    ):
        ends = [moment(end) for end in until if end is not None]
        activites = [activite_id] if activite_id is None else _same_activite(db, activite_id)
        blocks += [
            Block(Scope(scope), profession, category, activite, moment(since), min(ends, default=None), Kind(kind))
            for activite in activites
        ]
    return blocks


_decisions = Statement(
    select(
        Decision.kind, Decision.scope, Decision.profession, Decision.category, Decision.activite_id,
        Decision.blocks_from, Decision.blocks_until, Decision.lifted_at,
    )
    .where(Decision.practitioner_id == bindparam("practitioner"))
    .order_by(Decision.id)
)  # fmt: skip


def _same_activite(db: Session, activite_id: int) -> list[int]:
    """Rows of the same identity: an activity that left a file and came back is as stopped as it was."""
    stopped = aliased(Activite)
    return list(
        db.scalars(
            select(Activite.id)
            .join(stopped, (stopped.practitioner_id == Activite.practitioner_id) & (stopped.key == Activite.key))
            .where(stopped.id == activite_id)
        )
    )


def open_activites(db: Session, practitioner_id: int, *, now: datetime) -> list[OpenActivite]:
    """Activities that may be used at `now`, in the dossier's order."""
    practitioner = get(db, practitioner_id)
    return usable(practitioner, standing_of(db, practitioner), now=now)


def every_activite(practitioner: Practitioner) -> list[OpenActivite]:
    """All that the registry holds open, whatever a decision says of them."""
    return [
        OpenActivite(activite["id"], exercice["profession"], exercice["category"], activite, exercice)
        for exercice in dossier(practitioner)["exercices"]
        for activite in exercice["activites"]
    ]


def usable(practitioner: Practitioner, facts: Standing, *, now: datetime) -> list[OpenActivite]:
    """The same, of a person and her standing at hand."""
    return [
        one
        for one in every_activite(practitioner)
        if activite_usable(
            facts,
            activite=one.id,
            profession=one.profession,
            category=one.category,
            ended_at=None,
            since=now,
            now=now,
        )
    ]


def set_contact(
    db: Session, practitioner: Practitioner, *, email: str, phone: str, origin: Origin, now: datetime
) -> None:
    """Where activation codes go, after a while: the former addresses hear of it first. The values stay out of the
    journal."""
    former = {"email": practitioner.contact_email, "phone": practitioner.contact_phone}
    changed = [name for name, after in (("email", email), ("phone", phone)) if former[name] != after]
    # Emptied first and filled later is a change too.
    moved = bool(changed) and (any(former.values()) or practitioner.contact_changed_at is not None)
    db.execute(
        update(Practitioner)
        .where(Practitioner.id == practitioner.id)
        .values(
            contact_email=email, contact_phone=phone, changed_at=now,
            contact_changed_at=now if moved else practitioner.contact_changed_at,
        )
        .execution_options(synchronize_session="evaluate")
    )  # fmt: skip
    if moved:
        outbox.write(db, "practitioner:contact-changed", subject(practitioner.id), now=now, facts={"former": former})
    journal.record(
        db,
        Event.PRACTITIONER_CONTACT_CHANGED,
        subject(practitioner.id),
        now=now,
        origin=origin,
        changed=changed,
    )
