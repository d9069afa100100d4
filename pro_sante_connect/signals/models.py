"""What services were told, the development transport's messages, and who works."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId

WAITING, ACKNOWLEDGED, DEAD = "waiting", "acknowledged", "dead"


class BoxedMessage(Base):
    """A message that a production deployment would have sent; read in the message box."""

    __tablename__ = "boxed_messages"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    recipient: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    body: Mapped[str]
    sent_at: Mapped[datetime]


class Lease(Base):
    """Work that one process of the whole deployment does at a time."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class Delivery(Base):
    """That one session ended, for one service. `jti` never changes, however often it is told.

    waiting ── acknowledged
       ↑ └──── dead
       └─────────┘  replayed by staff

    Unique by what it tells, not by the note it came from: the numbers of notes that were purged come again on SQLite.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("session_id", "client_id"),
        Index("ix_deliveries_state_due_at", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    jti: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"), index=True)
    session_id: Mapped[str]
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"))
    note_id: Mapped[int] = mapped_column(BigId)
    state: Mapped[str]
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int]
    last_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_cause: Mapped[str]
    last_milliseconds: Mapped[int | None]
