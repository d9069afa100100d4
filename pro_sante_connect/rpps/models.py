"""The registry's tables. What a person does is one JSON text, the dossier: it is read and written whole."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId

EXTRACT = "extract"
LOCAL = "local"
OPEN, PUBLISHED, HELD, REFUSED, ABORTED = "open", "published", "held", "refused", "aborted"
ACCEPTED, UNDONE = "accepted", "undone"

# Ordered by bytes on both stores: beginnings of it are looked for.
BYTES = String().with_variant(String(collation="C"), "postgresql")


class Practitioner(Base):
    """One person. `digest` is empty while absent; `unread` counts loads in a row that rejected all lines.
    `lines_digest` is of lines that are known to say just this (`rpps/unchanged.py`); empty: not known.

    `contact_changed_at`: when a mail address or mobile took the place of another one; empty for the first ones.
    """

    __tablename__ = "practitioners"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    national_id: Mapped[str] = mapped_column(BYTES, unique=True)
    id_type: Mapped[str]
    identifier: Mapped[str]
    origin: Mapped[str]
    civility: Mapped[str]
    family_name: Mapped[str]
    given_name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str]
    lines_digest: Mapped[str] = mapped_column(default="")
    dossier: Mapped[str] = mapped_column(Text)
    present_since: Mapped[datetime]
    absent_since: Mapped[datetime | None]
    protected: Mapped[bool] = mapped_column(default=False)
    contact_email: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    contact_changed_at: Mapped[datetime | None]
    unread: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(index=True)


class Activite(Base):
    """One activity: its identity and its dates; what it is like stands in the dossier while it is open.

    `key` is a digest of the identity, `rank` tells equals apart. An activity that comes back is a new row.
    `closed` marks one that staff ended: no file opens it again.
    """

    __tablename__ = "activites"
    __table_args__ = (UniqueConstraint("practitioner_id", "key", "rank"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    profession: Mapped[str]
    category: Mapped[str]
    key: Mapped[str]
    rank: Mapped[int]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    closed: Mapped[bool] = mapped_column(default=False)


class Posting(Base):
    """Who, of 65,536 people with neighbouring numbers, has a term of the search (`rpps/terms.py`, `rpps/postings.py`).

    Ordered by block, so that a load that creates people writes at the end.
    """

    __tablename__ = "postings"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy declares it so
    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    term: Mapped[str] = mapped_column(BYTES, primary_key=True)
    people: Mapped[bytes] = mapped_column(LargeBinary)


class Decision(Base):
    """An authority's act, never rewritten, only lifted.

    It blocks at t when `blocks_from <= t < min(blocks_until, lifted_at)`.
    """

    __tablename__ = "decisions"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    kind: Mapped[str]
    scope: Mapped[str]
    profession: Mapped[str | None]
    category: Mapped[str | None]
    activite_id: Mapped[int | None] = mapped_column(BigId)
    blocks_from: Mapped[datetime]
    blocks_until: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str]
    authority: Mapped[str]
    evidence: Mapped[str]
    note: Mapped[str] = mapped_column(Text)
    author: Mapped[str]
    recorded_at: Mapped[datetime]


class Load(Base):
    """One import. `running` is 1 while it is open and unique, so that there is one at a time.

    `accepts` is the held load whose files it published all the same, `accepted` the reason given for that.
    `undoable` marks the last published one while what it changed is kept as it was (`LoadChange`).
    """

    __tablename__ = "loads"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[str]
    running: Mapped[int | None] = mapped_column(unique=True)
    author: Mapped[str]
    forced: Mapped[str] = mapped_column(default="")
    accepts: Mapped[int | None] = mapped_column(BigId)
    accepted: Mapped[str] = mapped_column(default="")
    stamp: Mapped[datetime]
    stamp_origin: Mapped[str]
    files: Mapped[list[Any]]
    opened_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]]
    undoable: Mapped[bool] = mapped_column(default=False)


class LoadChange(Base):
    """Somebody whom a load changed, as she was before it; `op` is one of `rpps/synchronisation.py`."""

    __tablename__ = "load_changes"
    load_id: Mapped[int] = mapped_column(ForeignKey("loads.id"), primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), primary_key=True)
    op: Mapped[str]
    digest: Mapped[str]
    dossier: Mapped[str] = mapped_column(Text)
    unread: Mapped[int]


class Reject(Base):
    """One line that was not read, `value` being what stood in the `column` at fault."""

    __tablename__ = "rejects"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    load_id: Mapped[int] = mapped_column(ForeignKey("loads.id"), index=True)
    file: Mapped[str]
    line: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    reason: Mapped[str]
    column: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    national_id: Mapped[str]


class Anomaly(Base):
    """Something odd that `rpps/anomalies.py` found, of a person, of two, or of a load; `key` is what makes it the same
    one at the next search."""

    __tablename__ = "anomalies"
    __table_args__ = (Index("ix_anomalies_kind_id", "kind", "id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioners.id"))
    other_id: Mapped[int | None] = mapped_column(ForeignKey("practitioners.id"))
    detail: Mapped[str]
    times: Mapped[int]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ignored_at: Mapped[datetime | None]
    ignored_by: Mapped[str] = mapped_column(default="")
    ignored_reason: Mapped[str] = mapped_column(default="")
