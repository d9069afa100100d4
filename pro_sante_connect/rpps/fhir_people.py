"""People as FHIR is to tell them: who is visible, what of her is active, since when. Reads a portion in few statements.

A protected person is like an unknown one; who left is told for 400 days, then unknown.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.fhir import Person, Role
from pro_sante_connect.rpps.models import Activite, Decision, Practitioner
from pro_sante_connect.rpps.status import Presence, Standing, Status, exercice_blocked, status

KEPT = timedelta(days=400)
_MOMENTS = (Decision.recorded_at, Decision.blocks_from, Decision.blocks_until, Decision.lifted_at)


@dataclass(frozen=True, slots=True)
class Reading:
    """`ended`: activities that ended after that moment are told as gone."""

    now: datetime
    ended: datetime


def people(db: Session, reading: Reading, *of: ColumnElement[bool], limit: int | None = None) -> list[Person | int]:
    """In order of their numbers; of whom nothing may be told, the number alone."""
    rows = db.scalars(
        select(Practitioner).where(*of, Practitioner.protected.is_(False)).order_by(Practitioner.id).limit(limit)
    ).all()
    numbers = [row.id for row in rows]
    moments = _moments(db, numbers, reading.now)
    ended = _activites(db, numbers, reading)
    found: list[Person | int] = []
    for row in rows:
        late = row.absent_since is not None and row.absent_since <= reading.now - KEPT
        found.append(row.id if late else _person(db, row, moments.get(row.id, []), ended[row.id], reading.now))
    return found


def _moments(db: Session, numbers: Sequence[int], now: datetime) -> dict[int, list[datetime]]:
    """When decisions about these people came to weigh or ceased to."""
    found: dict[int, list[datetime]] = defaultdict(list)
    rows = db.execute(select(Decision.practitioner_id, *_MOMENTS).where(Decision.practitioner_id.in_(numbers)))
    for number, *told in rows:
        found[number] += [moment for moment in told if moment is not None and moment <= now]
    return found


def decided_since(moment: datetime) -> ColumnElement[bool]:
    """Somebody about whom a decision was taken, began or ceased since."""
    since = select(Decision.practitioner_id).where(or_(*(column >= moment for column in _MOMENTS)))
    return or_(Practitioner.changed_at >= moment, Practitioner.id.in_(since))


def _activites(db: Session, numbers: Sequence[int], reading: Reading) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    told = or_(Activite.ended_at.is_(None), Activite.ended_at > reading.ended)
    rows = db.execute(
        select(Activite.practitioner_id, Activite.id)
        .where(Activite.practitioner_id.in_(numbers), told)
        .order_by(Activite.id)
    )
    for person, activite in rows:
        found[person].append(activite)
    return found


def _person(db: Session, row: Practitioner, moments: list[datetime], activites: list[int], now: datetime) -> Person:
    dossier = orjson.loads(row.dossier)
    if moments:
        facts = registry.standing_of(db, row)
    else:
        pairs = tuple((one["profession"], one["category"]) for one in dossier["exercices"])
        facts = Standing(Presence(row.present_since, row.absent_since), (), pairs)
    active = status(facts, now=now) is Status.REGISTERED
    practises = [
        one
        for one in dossier["exercices"]
        if not exercice_blocked(facts, one["profession"], one["category"], since=now, now=now)
    ]
    roles = registry.usable(row, facts, now=now) if active else []
    used = {one.id for one in roles}
    told = [Role(one.id, one.facts) for one in sorted(roles, key=lambda one: one.id)]
    return Person(
        row.id, row.national_id, row.id_type, row.identifier, active, max([row.changed_at, *moments]), dossier,
        practises, told, [one for one in activites if one not in used],
    )  # fmt: skip
