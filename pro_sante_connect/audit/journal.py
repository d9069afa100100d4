"""Record an event in the caller's transaction; read a trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an act came from: the actor (`practitioner:12`, `staff:name`, `system`), its address, and the client
    for whose sake it was done, if any."""

    actor: str = "system"
    address: str = ""
    client: str = ""


SYSTEM = Origin()

_columns = ("at", "event", "subject", "actor", "client", "address", "facts")
_append = Statement(insert(Entry).values({name: bindparam(name) for name in _columns}))


def record(
    db: Session | Connection,
    event: Event,
    subject: str,
    *,
    now: datetime,
    origin: Origin = SYSTEM,
    client: str = "",
    **facts: Any,
) -> None:
    """One event about `subject` (`practitioner:12`, `client:agenda`, `load:3`)."""
    values = {
        "at": microseconds(now), "event": event.value, "subject": subject, "actor": origin.actor,
        "client": client or origin.client, "address": origin.address, "facts": orjson.dumps(facts).decode(),
    }  # fmt: skip
    append(within(db) if isinstance(db, Session) else db, values)


def append(db: Connection, values: dict[str, Any]) -> None:
    """`record` for the hot path: `at` in microseconds, `facts` as JSON text."""
    _append.run(db, **values)


def trail(db: Session, subject: str, *, limit: int = 50, events: Sequence[Event] = ()) -> list[Entry]:
    """Latest events about a subject, newest first."""
    statement = select(Entry).where(Entry.subject == subject).order_by(Entry.at.desc(), Entry.id.desc()).limit(limit)
    if events:
        statement = statement.where(Entry.event.in_([event.value for event in events]))
    return list(db.scalars(statement))
