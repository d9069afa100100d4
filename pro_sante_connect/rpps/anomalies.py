"""What is odd in the registry: found by one walk over it, in portions; kept for the console, ignored with a reason.

    duplicate       two people of one name with one profession at one structure
    two-numbers     one name and one profession under numbers of two kinds: ADELI and RPPS, most often
    structure       a place without technical identifier
    check-digit     an RPPS number with a wrong one
    unread          her lines were refused in the last loads, `times` in a row
    unknown-code    a code that the last load did not know, `times` lines

Whoever is protected or absent is left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, groupby, islice
from typing import Any

import orjson
from sqlalchemy import Engine, Row, delete, select, tuple_, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import insert, reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import identifiers
from pro_sante_connect.rpps.models import Anomaly, Load, Practitioner
from pro_sante_connect.rpps.registry import subject

KINDS = ("duplicate", "two-numbers", "structure", "check-digit", "unread", "unknown-code")
RPPS = "8"
_PORTION, _BATCH = 2000, 500


@dataclass(frozen=True, slots=True)
class Person:
    """What the walk reads of somebody; `places` are (profession, technical identifier)."""

    id: int
    id_type: str
    identifier: str
    name: str
    unread: int
    places: frozenset[tuple[str, str]]
    nameless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One anomaly; without a person it is the load's."""

    kind: str
    person: int | None = None
    other: int | None = None
    detail: str = ""
    times: int = 1

    def row(self, now: datetime) -> dict[str, Any]:
        key = ":".join(str(part or "") for part in (self.kind, self.person, self.other, self.detail))
        return {
            "key": key, "kind": self.kind, "practitioner_id": self.person, "other_id": self.other,
            "detail": self.detail, "times": self.times, "found_at": now, "seen_at": now,
        }  # fmt: skip


def person_of(row: Row[int, str, str, str, int, str]) -> Person:
    """One row of the registry."""
    exercices = orjson.loads(row.dossier)["exercices"]
    held = [(one["profession"], activite["structure"]) for one in exercices for activite in one["activites"]]
    named = [place["legal_name"] or place["trade_name"] for _, place in held if not place["technical_id"]]
    places = {(profession, place["technical_id"]) for profession, place in held}
    places |= {(one["profession"], "") for one in exercices}
    nameless = tuple(dict.fromkeys(filter(None, named)))
    return Person(row.id, row.id_type, row.identifier, row.folded_name, row.unread, frozenset(places), nameless)


def alone(one: Person) -> Iterator[Found]:
    """What is odd in one person."""
    for name in one.nameless:
        yield Found("structure", one.id, detail=name)
    if one.id_type == RPPS and not identifiers.is_rpps(one.identifier):
        yield Found("check-digit", one.id, detail=one.identifier)
    if one.unread:
        yield Found("unread", one.id, times=one.unread)


def between(people: Iterable[Person]) -> Iterator[Found]:
    """What is odd among people of one name."""
    for left, right in combinations(people, 2):
        shared = left.places & right.places
        kinds = {left.id_type, right.id_type}
        if len(kinds) == 2 and RPPS in kinds and any(profession for profession, _ in shared):
            yield Found("two-numbers", left.id, right.id)
        elif at := sorted(place for _, place in shared if place):
            yield Found("duplicate", left.id, right.id, at[0])


def find(engine: Engine) -> Iterator[Found]:
    """Everything, in one walk by name: in short transactions, a portion of the registry in memory."""
    for _name, group in groupby(_everybody(engine), key=lambda one: one.name):
        people = list(group)
        for one in people:
            yield from alone(one)
        yield from between(people)
    with reading(engine) as db:
        ended = select(Load).where(Load.closed_at.is_not(None)).order_by(Load.id.desc())
        last = db.scalars(ended.limit(1)).first()
        codes = (last.report.get("unknown_codes") or {}) if last else {}
    yield from (Found("unknown-code", detail=code, times=times) for code, times in codes.items())


def _everybody(engine: Engine) -> Iterator[Person]:
    order = (Practitioner.folded_name, Practitioner.id)
    columns = (
        Practitioner.id, Practitioner.id_type, Practitioner.identifier, Practitioner.folded_name,
        Practitioner.unread, Practitioner.dossier,
    )  # fmt: skip
    wanted = (
        select(*columns)
        .where(Practitioner.absent_since.is_(None), Practitioner.protected.is_(False))
        .order_by(*order)
        .limit(_PORTION)
    )
    portion = wanted
    while True:
        with reading(engine) as db:
            rows = db.execute(portion).all()
        yield from (person_of(row) for row in rows)
        if len(rows) < _PORTION:
            return
        portion = wanted.where(tuple_(*order) > tuple_(rows[-1].folded_name, rows[-1].id))


def compute(dep: Deployment, *, origin: Origin) -> dict[str, int]:
    """Find everything anew; what is not found again is forgotten, its being ignored too. How many of each kind."""
    now, counts, found = dep.clock.now(), Counter(dict.fromkeys(KINDS, 0)), find(dep.engine)
    while some := {row["key"]: row for row in (one.row(now) for one in islice(found, _BATCH))}:
        counts.update(row["kind"] for row in some.values())
        with writing(dep.engine) as db:
            told = insert(db, Anomaly).values(list(some.values()))
            kept = {name: told.excluded[name] for name in ("times", "seen_at")}
            db.execute(told.on_conflict_do_update(index_elements=["key"], set_=kept))
    with writing(dep.engine) as db:
        db.execute(delete(Anomaly).where(Anomaly.seen_at < now))
        journal.record(db, Event.ANOMALIES_FOUND, "registry", now=now, origin=origin, counts=dict(counts))
    return dict(counts)


def listed(db: Session, *, kind: str, after: int, limit: int) -> list[Anomaly]:
    """Those that nobody ignored, by number, from `after` on; `kind` empty for all."""
    wanted = select(Anomaly).where(Anomaly.id > after, Anomaly.ignored_at.is_(None)).order_by(Anomaly.id).limit(limit)
    return list(db.scalars(wanted.where(Anomaly.kind == kind) if kind else wanted))


def get(db: Session, number: int) -> Anomaly:
    """That one, ignored or not; refuses `anomaly-unknown`."""
    found = db.get(Anomaly, number)
    if found is None:
        raise Refusal("anomaly-unknown")
    return found


def ignore(db: Session, number: int, *, reason: str, origin: Origin, now: datetime) -> None:
    """List it no more as long as it is found. Refuses `reason-missing`, `anomaly-unknown`, also when it is ignored."""
    if not reason.strip():
        raise Refusal("reason-missing")
    one = db.scalars(
        update(Anomaly)
        .where(Anomaly.id == number, Anomaly.ignored_at.is_(None))
        .values(ignored_at=now, ignored_by=origin.actor, ignored_reason=reason.strip()[:500])
        .returning(Anomaly)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).first()
    if one is None:
        raise Refusal("anomaly-unknown")
    about = "registry" if one.practitioner_id is None else subject(one.practitioner_id)
    journal.record(
        db, Event.ANOMALY_IGNORED, about, now=now, origin=origin, kind=one.kind, detail=one.detail, other=one.other_id,
        reason=one.ignored_reason,
    )  # fmt: skip
