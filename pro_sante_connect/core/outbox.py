"""What happened and must be told, written in the transaction in which it happened.

Rooms write notes without knowing who listens; `signals` takes them by lease, works out whom to tell, closes them.
Topics are listed in `TOPICS`; `signals/worker.py` handles each.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, LargeBinary, Select, delete, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pro_sante_connect.core.models import Base, BigId

TOPICS = {
    "message:send": "a mail or a text message to a person; the body is sealed",
    "practitioner:status-changed": "a decision or an import changed whether a person may sign in",
    "practitioner:contact-changed": "a mail address or mobile took the place of another; the former ones are told",
    "activite:ended": "one activity of a person ended",
    "session:ended": "a sign-in session ended before its time",
    "means:changed": "a means of sign-in was added or withdrawn",
}


class OutboxNote(Base):
    """One thing to tell. `sealed` holds what must not be read at rest."""

    __tablename__ = "outbox"
    # Open notes alone: the worker asks several times a second, and closed ones are kept for days.
    __table_args__ = (
        Index(
            "ix_outbox_open",
            "due_at",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic: Mapped[str]
    subject: Mapped[str]
    facts: Mapped[dict[str, Any]]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int]
    leased_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Taken:
    """A note held by lease."""

    id: int
    topic: str
    subject: str
    facts: dict[str, Any]
    sealed: bytes | None
    attempts: int


def write(
    db: Session,
    topic: str,
    subject: str,
    *,
    now: datetime,
    facts: dict[str, Any] | None = None,
    sealed: bytes | None = None,
    due_at: datetime | None = None,
) -> None:
    """Note it, in the caller's transaction."""
    if topic not in TOPICS:
        raise ValueError(topic)
    db.add(
        OutboxNote(
            topic=topic,
            subject=subject,
            facts=facts or {},
            sealed=sealed,
            written_at=now,
            due_at=due_at or now,
            attempts=0,
        )
    )


def take(
    db: Session, *, limit: int, lease: timedelta, now: datetime, topics: Collection[str] = tuple(TOPICS)
) -> list[Taken]:
    """Lease due notes, oldest first; a lease that ran out is due again. The caller commits, then works."""
    due = _due(topics, now).order_by(OutboxNote.id).limit(limit)
    if db.connection().dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    leased = (
        update(OutboxNote)
        .where(OutboxNote.id.in_(due.scalar_subquery()))
        .values(leased_until=now + lease, attempts=OutboxNote.attempts + 1)
        .returning(OutboxNote)
        .execution_options(synchronize_session=False)
    )
    rows = db.scalars(leased, execution_options={"populate_existing": True}).all()
    return sorted(
        (Taken(row.id, row.topic, row.subject, dict(row.facts), row.sealed, row.attempts) for row in rows),
        key=lambda taken: taken.id,
    )


def close(db: Session, note: int, *, now: datetime) -> None:
    """Done; what was sealed is wiped with it."""
    db.execute(update(OutboxNote).where(OutboxNote.id == note).values(closed_at=now, leased_until=None, sealed=None))


def postpone(db: Session, note: int, *, until: datetime) -> None:
    """Try again then."""
    db.execute(update(OutboxNote).where(OutboxNote.id == note).values(due_at=until, leased_until=None))


def bury(db: Session, note: int, *, now: datetime) -> None:
    """The last resort: never tried again, kept until the purge for the operator to see."""
    buried = {"closed_at": now, "dead_at": now, "leased_until": None, "sealed": None}
    db.execute(update(OutboxNote).where(OutboxNote.id == note).values(buried))


def due(db: Session, *, now: datetime, topics: Collection[str] = tuple(TOPICS)) -> bool:
    """Something waits: a cheap question, so that an idle worker writes nothing."""
    return db.scalars(_due(topics, now).limit(1)).first() is not None


def _due(topics: Collection[str], now: datetime) -> Select[int]:
    free = (OutboxNote.leased_until.is_(None)) | (OutboxNote.leased_until <= now)
    waiting = select(OutboxNote.id).where(OutboxNote.closed_at.is_(None), OutboxNote.due_at <= now, free)
    return waiting if len(topics) == len(TOPICS) else waiting.where(OutboxNote.topic.in_(topics))


def purge(db: Session, *, before: datetime) -> None:
    """Drop notes closed before that moment."""
    db.execute(delete(OutboxNote).where(OutboxNote.closed_at < before))
