"""One-time things: a key is remembered once per kind, or the caller hears no."""

from datetime import datetime

from sqlalchemy import Connection, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from pro_sante_connect.core.database import insert
from pro_sante_connect.core.models import Base


class Seen(Base):
    """A key that was used: one key space per kind of thing."""

    __tablename__ = "seen"
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


def remember(db: Session | Connection, kind: str, key: str, *, expires_at: datetime) -> bool:
    """True for the first caller only. The row must outlive the thing it guards."""
    connection = db if isinstance(db, Connection) else db.connection()
    statement = insert(connection, Seen).values(kind=kind, key=key, expires_at=expires_at)
    claimed = connection.execute(statement.on_conflict_do_nothing().returning(Seen.key)).first()
    return claimed is not None


def forget_expired(db: Session, *, now: datetime) -> None:
    """Drop keys whose thing can no longer be presented."""
    db.execute(delete(Seen).where(Seen.expires_at < now))
