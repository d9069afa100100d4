"""A person's means of sign-in as one list: see them, rename, withdraw; never the last way in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import card, names, notices
from pro_sante_connect.ecps.models import OneTimeSecret, Passkey, Phone

TABLES: dict[str, Any] = {"passkey": Passkey, "totp": OneTimeSecret, "phone": Phone}
WAYS_IN = ("passkey", "totp")  # a phone answers requests; alone it opens nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One means: `key` is `kind:id`, as sessions and the journal name it."""

    key: str
    kind: str
    id: int
    name: str
    added_at: datetime
    last_used_at: datetime | None
    uses: int
    removable: bool


def of(db: Session, practitioner_id: int, *, now: datetime) -> list[Means]:
    """What the person's card holds now, oldest first; empty without a usable card."""
    mine = card.usable(db, practitioner_id, now=now)
    if mine is None:
        return []
    rows = [(kind, row) for kind, table in TABLES.items() for row in _live(db, table, mine.id)]
    ways = sum(kind in WAYS_IN for kind, _ in rows)
    return [
        Means(
            key=f"{kind}:{row.id}", kind=kind, id=row.id, name=row.name, added_at=row.added_at,
            last_used_at=row.last_used_at, uses=row.uses, removable=kind not in WAYS_IN or ways > 1,
        )
        for kind, row in sorted(rows, key=lambda pair: (pair[1].added_at, pair[0]))
    ]  # fmt: skip


def _live(db: Session, table: Any, card_id: int) -> list[Any]:
    wanted = select(table).where(table.card_id == card_id, table.withdrawn_at.is_(None))
    if table is OneTimeSecret:
        wanted = wanted.where(table.confirmed_at.is_not(None))
    if table is Passkey:
        wanted = wanted.where(table.set_aside_at.is_(None))
    return list(db.scalars(wanted.order_by(table.id), execution_options={"populate_existing": True}))


def _one(db: Session, practitioner_id: int, key: str, *, now: datetime) -> Means:
    found = next((one for one in of(db, practitioner_id, now=now) if one.key == key), None)
    if found is None:
        raise Refusal("means-unknown")
    return found


def rename(db: Session, practitioner_id: int, key: str, name: str, *, now: datetime) -> None:
    """Give it the person's own word; refuses `means-unknown`."""
    found = _one(db, practitioner_id, key, now=now)
    table = TABLES[found.kind]
    changed = update(table).where(table.id == found.id).values(name=names.of_means(name))
    db.execute(changed.execution_options(synchronize_session=False))


def withdraw(db: Session, practitioner_id: int, key: str, *, origin: Origin, now: datetime) -> None:
    """Dead at commit; refuses `means-unknown`, and `last-means` when nothing else could open a session."""
    card.hold(db, practitioner_id)
    found = _one(db, practitioner_id, key, now=now)
    if not found.removable:
        raise Refusal("last-means")
    table = TABLES[found.kind]
    ended = update(table).where(table.id == found.id, table.withdrawn_at.is_(None)).values(withdrawn_at=now)
    db.execute(ended.execution_options(synchronize_session=False))
    notices.means_changed(db, practitioner_id, Event.MEANS_WITHDRAWN, key, name=found.name, origin=origin, now=now)
