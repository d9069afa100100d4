"""Taking back the last published load: another change, not a rewind of the clock.

Everybody whom it changed is as before it: what it brought is gone, what it ended stands again. Nothing old revives:
whoever comes back signs in anew, an activity that comes back is a new row. No decision is touched, and what staff
closed since stays closed.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.dossier import keyed
from pro_sante_connect.rpps.models import PUBLISHED, UNDONE, Load, LoadChange, Practitioner
from pro_sante_connect.rpps.synchronisation import BATCH, Change, Publication, batches

_BACK = {"created": "absent", "returned": "absent", "changed": "changed", "absent": "returned"}


def make_room(db: Session, load: int) -> bool:
    """Before that load is published: only the last one can be taken back, and only to another one."""
    db.execute(delete(LoadChange))
    _update(db, Load.undoable.is_(True), undoable=False)
    follows = db.scalar(select(exists().where(Load.state == PUBLISHED, Load.id != load)))
    _update(db, Load.id == load, undoable=bool(follows))
    return bool(follows)


def preview(db: Session, load: int) -> dict[str, int]:
    """How many people the load changed, by how; refuses `load-unknown`, `load-not-undoable`."""
    _undoable(db, load)
    counted = select(LoadChange.op, func.count()).where(LoadChange.load_id == load).group_by(LoadChange.op)
    return {op: count for op, count in db.execute(counted.order_by(LoadChange.op))}


def undo(dep: Deployment, load: int, *, reason: str, origin: Origin) -> dict[str, int]:
    """Take it back in one transaction; what was really done, counted as a load counts.

    Refuses `undo-reason-missing`, `load-unknown`, `load-not-undoable`, `load-running`.
    """
    if not reason.strip():
        raise Refusal("undo-reason-missing")
    with writing(dep.engine) as db:
        now = dep.clock.now()
        _take_place(db, load)
        publication = Publication(db.connection(), load, now)
        for portion in batches(_changes(db, load)):
            publication.apply(portion)
        publication.close()
        _count_unread(db, load)
        db.execute(delete(LoadChange).where(LoadChange.load_id == load))
        _update(db, Load.id == load, state=UNDONE, running=None, undoable=False)
        counts = dict(publication.counts)
        journal.record(db, Event.LOAD_UNDONE, f"load:{load}", now=now, origin=origin, counts=counts, reason=reason)
    return counts


def forget(db: Session, *, before: datetime, limit: int) -> int:
    """Drop what was kept of a load that ended before that moment; returns how many people."""
    late = select(Load.id).where(Load.closed_at < before)
    _update(db, Load.undoable.is_(True) & Load.id.in_(late), undoable=False)
    kept = select(LoadChange.load_id, LoadChange.practitioner_id).where(LoadChange.load_id.in_(late)).limit(limit)
    rows = db.execute(kept).all()
    for load, people in _by_load(rows).items():
        db.execute(delete(LoadChange).where(LoadChange.load_id == load, LoadChange.practitioner_id.in_(people)))
    return len(rows)


def _by_load(rows: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for load, person in rows:
        found.setdefault(load, []).append(person)
    return found


def _undoable(db: Session, load: int) -> None:
    found = db.get(Load, load)
    if found is None:
        raise Refusal("load-unknown", load=load)
    if not found.undoable or found.state != PUBLISHED:
        raise Refusal("load-not-undoable", load=load)


def _take_place(db: Session, load: int) -> None:
    """No load runs meanwhile: what it compares with would move under it."""
    _undoable(db, load)
    other = aliased(Load)
    free = ~exists().where(other.running == 1)
    mine = update(Load).where(Load.id == load, Load.state == PUBLISHED, Load.undoable.is_(True), free).values(running=1)
    try:
        taken = db.execute(mine.returning(Load.id).execution_options(synchronize_session=False)).first()
    except IntegrityError:
        taken = None
    if taken is None:
        raise Refusal("load-running")


def _changes(db: Session, load: int) -> Iterator[Change]:
    """What leads back, in the words of a load."""
    rows = db.execute(
        select(LoadChange, Practitioner.national_id)
        .join(Practitioner, Practitioner.id == LoadChange.practitioner_id)
        .where(LoadChange.load_id == load, LoadChange.op.in_(_BACK))
        .order_by(LoadChange.op, LoadChange.practitioner_id)
        .execution_options(yield_per=BATCH)
    )
    for before, national_id in rows:
        change: Change = {"op": _BACK[before.op], "national_id": national_id, "digest": before.digest}
        if change["op"] != "absent":
            change["dossier"] = keyed(orjson.loads(before.dossier))
        yield change


def _count_unread(db: Session, load: int) -> None:
    """How many loads in a row could not read somebody is what it was."""
    of_person = (LoadChange.load_id == load) & (LoadChange.practitioner_id == Practitioner.id)
    before = select(LoadChange.unread).where(of_person).scalar_subquery()
    known = select(LoadChange.practitioner_id).where(LoadChange.load_id == load, LoadChange.op != "created")
    everybody = update(Practitioner).where(Practitioner.id.in_(known)).values(unread=before)
    db.execute(everybody.execution_options(synchronize_session=False))


def _update(db: Session, where: Any, **values: Any) -> None:
    db.execute(update(Load).where(where).values(**values).execution_options(synchronize_session=False))
