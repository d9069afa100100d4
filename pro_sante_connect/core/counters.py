"""Security counters: reserve an attempt atomically, then check; never read, check, write.

Committed on their own before the proof is looked at, so that a refusal cannot roll them back.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from sqlalchemy import Connection, case, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pro_sante_connect.core.database import insert
from pro_sante_connect.core.models import Base


class Counter(Base):
    """Attempts counted under one name since `since`, and the moment until which it is closed.

    From `expires_at` on the row says nothing any more; it is empty for a count that only a success ends.
    """

    __tablename__ = "counters"
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    since: Mapped[datetime]
    closed_until: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


def reserve(db: Session | Connection, name: str, *, window: timedelta | None, now: datetime) -> int:
    """Count one more attempt and return its number: 1 for the first since the window opened.

    Without a window the count grows until `reset`.
    """
    connection = db if isinstance(db, Connection) else db.connection()
    expires_at = None if window is None else now + window
    fresh = insert(connection, Counter).values(name=name, count=1, since=now, closed_until=None, expires_at=expires_at)
    if window is None:
        changes: dict[str, object] = {"count": Counter.count + 1}
    else:
        over = Counter.since <= now - window
        changes = {
            "count": case((over, 1), else_=Counter.count + 1),
            "since": case((over, fresh.excluded.since), else_=Counter.since),
            "expires_at": case((over, fresh.excluded.expires_at), else_=Counter.expires_at),
        }
    statement = fresh.on_conflict_do_update(index_elements=[Counter.name], set_=changes).returning(Counter.count)
    return int(connection.execute(statement).scalar_one())


def hold(db: Session, name: str, *, now: datetime) -> None:
    """Acts under this name follow one another: its row stays held until the caller commits. Nothing is counted."""
    connection = db.connection()
    row = insert(connection, Counter).values(name=name, count=0, since=now, closed_until=None, expires_at=now)
    same = {"expires_at": row.excluded.expires_at}
    connection.execute(row.on_conflict_do_update(index_elements=[Counter.name], set_=same))


def close(db: Session, name: str, *, until: datetime) -> None:
    """Nobody passes under this name until then."""
    db.query(Counter).filter_by(name=name).update({"closed_until": until})


def closed_until(db: Session, name: str, *, now: datetime) -> datetime | None:
    """The moment this name opens again, or None when it is open."""
    counter = db.get(Counter, name, populate_existing=True)
    if counter is None or counter.closed_until is None or counter.closed_until <= now:
        return None
    return counter.closed_until


def reset(db: Session, name: str, *, below: int | None = None) -> int:
    """Forget the attempts under this name, unless they have reached `below`; returns how many were forgotten."""
    forgotten = delete(Counter).where(Counter.name == name)
    if below is not None:
        forgotten = forgotten.where(Counter.count < below)
    return db.scalars(forgotten.returning(Counter.count)).first() or 0


def reset_all(db: Session, prefix: str) -> None:
    """Forget all names that begin so."""
    db.execute(delete(Counter).where(Counter.name.startswith(prefix, autoescape=True)))


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Under which address a caller is counted: IPv6 by /64, since one subscriber owns at least that."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return (parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64)).compressed
    return parsed.compressed


def forget_expired(db: Session, *, now: datetime, limit: int) -> int:
    """Drop counts whose window is over; returns how many. Failures in a row stay: their limit has no end."""
    late = select(Counter.name).where(Counter.expires_at <= now).limit(limit)
    # Asked twice: a window may have opened again since the first look.
    over = delete(Counter).where(Counter.name.in_(late), Counter.expires_at <= now)
    return len(db.execute(over.returning(Counter.name)).all())
