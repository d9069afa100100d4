"""Rows that wait to be sent: leased the oldest for each receiver, and written down once. One way for every ledger.

A table has `state`, `due_at`, `leased_until`, `attempts` and `last_*`; `key` is its receiver's column.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from pro_sante_connect.signals.models import ACKNOWLEDGED, WAITING
from pro_sante_connect.signals.verdict import Verdict

# Longer than a call, with room for a machine that is busy.
LEASE = timedelta(seconds=30)


def waiting(table: Any, now: datetime) -> list[ColumnElement[bool]]:
    """Due, and nobody's."""
    free = or_(table.leased_until.is_(None), table.leased_until <= now)
    return [table.state == WAITING, table.due_at <= now, free]


def due(db: Session, key: InstrumentedAttribute[str], *which: Any, beside: Collection[str], now: datetime) -> bool:
    """Something waits for a receiver that is not among these: a cheap question for an idle worker."""
    table = key.class_
    wanted = select(table.id).where(*waiting(table, now), *which, key.not_in(beside)).limit(1)
    return db.scalars(wanted).first() is not None


def take(
    db: Session, key: InstrumentedAttribute[str], *which: Any, beside: Collection[str],
    among: Collection[str] | None, limit: int, now: datetime,
) -> list[int]:  # fmt: skip
    """Lease the oldest that is due for each receiver but `beside`, or of `among` but these; their ids."""
    table = key.class_
    wanted = [*which, key.not_in(beside)] + ([] if among is None else [key.in_(among)])
    oldest = (
        select(func.min(table.id).label("id"))
        .where(*waiting(table, now), *wanted)
        .group_by(key)
        .order_by(func.min(table.id))
        .limit(limit)
        .subquery()
    )
    # Asked again in the update: another worker may hold it by now.
    leased = (
        update(table)
        .where(table.id.in_(select(oldest.c.id)), *waiting(table, now))
        .values(leased_until=now + LEASE, attempts=table.attempts + 1)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return list(db.scalars(leased).all())


def settle(db: Session, table: Any, row: int, attempts: int, verdict: Verdict, *, now: datetime) -> bool:
    """Write the answer down. An acknowledgement counts whenever it comes; a failure only of the last try."""
    held = [table.id == row, table.state == WAITING]
    if verdict.state != ACKNOWLEDGED:
        held.append(table.attempts == attempts)
    written = (
        update(table)
        .where(*held)
        .values(
            state=verdict.state, leased_until=None, last_at=now, last_status=verdict.status,
            last_cause=verdict.cause, last_milliseconds=verdict.milliseconds,
            due_at=now + verdict.delay if verdict.delay else table.due_at,
        )
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return db.scalars(written).first() is not None
