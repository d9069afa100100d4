"""Chains entries by hash, off the hot path, in small batches; verifies the chain."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from pro_sante_connect.audit.models import Entry, Seal
from pro_sante_connect.core.models import microseconds

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of the positions from `first` to `sealed`: `broken_at` is the first bad seal's, None when the part is whole."""

    sealed: int
    broken_at: int | None
    first: int = 1


def _digest(former: str, entry: Entry) -> str:
    fields = [
        entry.id, microseconds(entry.at), entry.event, entry.subject, entry.actor, entry.client, entry.address,
        entry.facts,
    ]  # fmt: skip
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(f"{former}\n{text}".encode()).hexdigest()


def oldest_unsealed(db: Session, *, since: datetime | None = None) -> datetime | None:
    """When the first entry without a seal was written. `since` spares the walk over all that is sealed."""
    return db.scalars(_unsealed(since).with_only_columns(Entry.at).order_by(Entry.at).limit(1)).first()


def _unsealed(since: datetime | None) -> Select[Entry]:
    # Rows may commit out of the order of their ids, so "unsealed" is asked for, not "after the last".
    wanted = select(Entry).outerjoin(Seal, Seal.entry == Entry.id).where(Seal.entry.is_(None))
    return wanted if since is None else wanted.where(Entry.at >= since)


def seal(db: Session, *, limit: int = 500, since: datetime | None = None) -> int:
    """Seal up to `limit` entries that have no seal yet; the position's key lets one worker win. Returns how many."""
    last = db.scalars(select(Seal).order_by(Seal.position.desc()).limit(1)).first()
    position, former = (last.position, last.digest) if last else (0, GENESIS)
    entries = db.scalars(_unsealed(since).order_by(Entry.id).limit(limit)).all()
    for number, entry in enumerate(entries, position + 1):
        former = _digest(former, entry)
        db.add(Seal(position=number, entry=entry.id, digest=former))
    return len(entries)


def last(db: Session) -> int:
    """The position of the newest seal, 0 without one."""
    return db.scalars(select(Seal.position).order_by(Seal.position.desc()).limit(1)).first() or 0


def verify(db: Session, *, first: int = 1, until: int | None = None) -> Verdict:
    """Walk the chain, or a part of it, taking for granted the seal before the part."""
    before = db.get(Seal, first - 1)
    former, expected = before.digest if before else GENESIS, first
    chain = select(Seal, Entry).outerjoin(Entry, Seal.entry == Entry.id).order_by(Seal.position)
    chain = chain.where(Seal.position >= first)
    chain = chain if until is None else chain.where(Seal.position <= until)
    with db.execute(chain.execution_options(yield_per=1000)) as rows:
        for sealed, entry in rows:
            if sealed.position != expected or entry is None or _digest(former, entry) != sealed.digest:
                return Verdict(expected - 1, expected, first)
            former, expected = sealed.digest, expected + 1
    return Verdict(expected - 1, None, first)
