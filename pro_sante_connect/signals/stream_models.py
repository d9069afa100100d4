"""Streams of security events (OpenID Shared Signals Framework 1.0), and what waits in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId

ENABLED, PAUSED, DISABLED = "enabled", "paused", "disabled"


class Stream(Base):
    """What one service asked to hear, and how. `authorization` is sealed: the header its own endpoint wants."""

    __tablename__ = "streams"
    id: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"), unique=True)
    method: Mapped[str]
    endpoint_url: Mapped[str]
    authorization: Mapped[bytes | None] = mapped_column(LargeBinary)
    events_requested: Mapped[list[str]]
    description: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]


class StreamSubject(Base):
    """Somebody a service does not want to hear about. Whom it never met it does not hear about anyway."""

    __tablename__ = "stream_subjects"
    stream_id: Mapped[str] = mapped_column(ForeignKey("streams.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)


class StreamEvent(Base):
    """One event for one stream. `jti` never changes; `source` says what it tells, so that twice adds nothing."""

    __tablename__ = "stream_events"
    __table_args__ = (
        UniqueConstraint("stream_id", "source"),
        Index("ix_stream_events_state_due_at", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    jti: Mapped[str] = mapped_column(unique=True)
    stream_id: Mapped[str] = mapped_column(ForeignKey("streams.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    subject: Mapped[dict[str, Any]]
    events: Mapped[dict[str, Any]]
    txn: Mapped[str]
    state: Mapped[str]
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int]
    last_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_cause: Mapped[str]
    last_milliseconds: Mapped[int | None]
