"""A person's means of sign-in: list, name, withdraw; the last way in is not taken out by mistake."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.ecps import card, names, notices
from pro_sante_connect.ecps.models import ACTIVE, Card, OneTimeSecret, Passkey, Phone
from pro_sante_connect.rpps import registry

_Row = Passkey | OneTimeSecret | Phone
_TABLES: dict[str, type[_Row]] = {"passkey": Passkey, "totp": OneTimeSecret, "phone": Phone}


@dataclass(frozen=True, slots=True)
class Means:
    """One means of sign-in. `set_aside`: a passkey whose counter went back; it opens nothing."""

    key: str
    kind: str
    id: int
    name: str
    added_at: datetime
    last_used_at: datetime | None
    uses: int
    removable: bool
    set_aside: bool = False
    aaguid: str = ""
    synced: bool = False


def of(db: Session, practitioner_id: int) -> list[Means]:
    """Everything bound to the active card, expired or not: passkeys, one-time codes, phones, e-CPS code."""
    held = _active(db, practitioner_id)
    if held is None:
        return []
    rows = [(kind, row) for kind in _TABLES for row in _live(db, held.id, kind)]
    ways = sum(not _aside(row) for _, row in rows)
    listed = [
        Means(
            key=f"{kind}:{row.id}", kind=kind, id=row.id, name=row.name, added_at=row.added_at,
            last_used_at=row.last_used_at, uses=row.uses, removable=_aside(row) or ways > 1,
            set_aside=_aside(row), aaguid=row.aaguid if isinstance(row, Passkey) else "",
            synced=isinstance(row, Passkey) and row.backup_eligible,
        )
        for kind, row in rows
    ]  # fmt: skip
    code = Means(
        key=f"code:{held.id}", kind="code", id=held.id, name="", added_at=held.made_at,
        last_used_at=held.pin_used_at, uses=held.pin_uses, removable=False,
    )  # fmt: skip
    return [*listed, code]


def _active(db: Session, practitioner_id: int) -> Card | None:
    return db.scalars(select(Card).where(Card.practitioner_id == practitioner_id, Card.state == ACTIVE)).one_or_none()


def _live(db: Session, card_id: int, kind: str) -> list[_Row]:
    table = _TABLES[kind]
    mine = select(table).where(table.card_id == card_id, table.withdrawn_at.is_(None)).order_by(table.id)
    rows: list[_Row] = list(db.scalars(mine))
    return [row for row in rows if not isinstance(row, OneTimeSecret) or row.confirmed_at is not None]


def usable(db: Session, practitioner_id: int, key: str) -> bool:
    """Whether that means still opens something; whoever ends it waits for the caller's commit."""
    _, row_id = _named(key)
    card.hold(db, practitioner_id)
    found = _live_one[key.partition(":")[0]].one(db.connection(), id=row_id, practitioner=practitioner_id)
    return found is not None


_live_one = {
    kind: Statement(
        select(table.id).where(
            table.id == bindparam("id"),
            table.practitioner_id == bindparam("practitioner"),
            table.withdrawn_at.is_(None),
            *((Passkey.set_aside_at.is_(None),) if table is Passkey else ()),
        )
    )
    for kind, table in _TABLES.items()
}


def _aside(row: _Row) -> bool:
    return isinstance(row, Passkey) and row.set_aside_at is not None


def rename(db: Session, practitioner_id: int, key: str, name: str, *, origin: Origin, now: datetime) -> None:
    """Give a means a name; refuses `means-unknown`."""
    table, row_id = _named(key)
    renamed = db.execute(
        update(table)
        .where(table.id == row_id, table.practitioner_id == practitioner_id, table.withdrawn_at.is_(None))
        .values(name=names.of_means(name))
        .returning(table.id)
        .execution_options(synchronize_session=False)
    ).first()
    if renamed is None:
        raise Refusal("means-unknown")
    journal.record(db, Event.MEANS_RENAMED, registry.subject(practitioner_id), now=now, origin=origin, means=key)


def _named(key: str) -> tuple[type[_Row], int]:
    kind, _, number = key.partition(":")
    if kind not in _TABLES or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise Refusal("means-unknown")
    return _TABLES[kind], int(number)


def withdraw(db: Session, practitioner_id: int, key: str, *, ended: card.Ended, origin: Origin, now: datetime) -> None:
    """The means opens nothing from this commit on; what it opened and what waits for an approval is dead.

    Refuses `means-unknown`, and `last-means`: the e-CPS code alone is not a way in.
    """
    table, row_id = _named(key)
    card.hold(db, practitioner_id)
    listed = {item.key: item for item in of(db, practitioner_id)}
    chosen = listed.get(f"{key.partition(':')[0]}:{row_id}")
    if chosen is None:
        raise Refusal("means-unknown")
    if not chosen.removable:
        raise Refusal("last-means")
    db.execute(
        update(table).where(table.id == row_id).values(withdrawn_at=now).execution_options(synchronize_session=False)
    )
    card.kill_approvals(db, practitioner_id, now=now)
    ended(db, practitioner_id, means=chosen.key, origin=origin, now=now)
    notices.means_changed(
        db, practitioner_id, Event.MEANS_WITHDRAWN, chosen.key, name=chosen.name, origin=origin, now=now
    )
