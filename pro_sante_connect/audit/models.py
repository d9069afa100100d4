"""The journal's tables."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId


class Entry(Base):
    """One event. `subject` is whom it concerns, `actor` who did it, `facts` the rest; no secret ever."""

    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    event: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    client: Mapped[str]
    address: Mapped[str]
    facts: Mapped[dict[str, Any]]


class Seal(Base):
    """The place of an entry in the chain: digest of the former seal and of the entry."""

    __tablename__ = "audit_seals"
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    entry: Mapped[int] = mapped_column(BigId, unique=True)
    digest: Mapped[str]
