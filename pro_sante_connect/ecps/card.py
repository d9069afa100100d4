"""A person's card: find it while it is usable, hold it still, end it with everything bound to it."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.ecps import notices
from pro_sante_connect.ecps.models import (
    ACTIVE,
    APPROVED,
    KILLED,
    MATCHED,
    PENDING,
    WITHDRAWN,
    Approval,
    Card,
    OneTimeSecret,
    Pairing,
    Passkey,
    Phone,
)  # fmt: skip
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.models import Practitioner


class Ended(Protocol):
    """What must end with a means, or with all of a person's (`means` is None), in the same transaction.

    This room cannot know what a means opened; `signals/withdrawal.py` does.
    """

    def __call__(
        self, db: Session, practitioner_id: int, *, means: str | None, origin: Origin, now: datetime
    ) -> None: ...


def usable(db: Session, practitioner_id: int, *, now: datetime) -> Card | None:
    """The person's active card, unless it has expired."""
    return db.scalars(
        select(Card)
        .where(Card.practitioner_id == practitioner_id, Card.state == ACTIVE, Card.expires_at > now)
        .execution_options(populate_existing=True)
    ).first()


def in_force(db: Session, practitioner_id: int, *, now: datetime) -> bool:
    """Whether there is one."""
    return _in_force.one(within(db), practitioner=practitioner_id, now=microseconds(now)) is not None


_in_force = Statement(
    select(Card.id).where(
        Card.practitioner_id == bindparam("practitioner"), Card.state == ACTIVE, Card.expires_at > bindparam("now")
    )
)


def required(db: Session, practitioner_id: int, *, now: datetime) -> Card:
    """The same; refuses `card-expired` when there is none."""
    card = usable(db, practitioner_id, now=now)
    if card is None:
        raise Refusal("card-expired")
    return card


def hold(db: Session, practitioner_id: int) -> None:
    """Until the caller commits, nobody else changes this person's means. (SQLite has one writer anyway.)"""
    _hold.one(within(db), practitioner=practitioner_id)


# NO KEY: rows of other tables that name the person are written meanwhile.
_hold = Statement(
    select(Practitioner.id).where(Practitioner.id == bindparam("practitioner")).with_for_update(key_share=True)
)


def entitled(db: Session, practitioner_id: int, *, now: datetime) -> bool:
    """Whether the registry lets the person sign in."""
    return status.may_sign_in(registry.standing(db, practitioner_id), now=now)


def count_pin(db: Session, card_id: int, *, now: datetime) -> None:
    """The e-CPS code was right once more."""
    db.execute(
        update(Card)
        .where(Card.id == card_id)
        .values(pin_used_at=now, pin_uses=Card.pin_uses + 1)
        .execution_options(synchronize_session=False)
    )


def kill_approvals(db: Session, practitioner_id: int, *, now: datetime) -> None:
    """Whatever waits on a phone, or was approved and not yet collected, is dead at commit."""
    db.execute(
        update(Approval)
        .where(Approval.practitioner_id == practitioner_id, Approval.state.in_((PENDING, MATCHED, APPROVED)))
        .values(state=KILLED, ended_at=now)
        .execution_options(synchronize_session=False)
    )


def end(db: Session, practitioner_id: int, *, state: str, ended: Ended, origin: Origin, now: datetime) -> bool:
    """End the active card, its means, what they opened and its waiting requests; False when there was none.

    The caller holds the person.
    """
    gone = db.execute(
        update(Card)
        .where(Card.practitioner_id == practitioner_id, Card.state == ACTIVE)
        .values(state=state, ended_at=now)
        .returning(Card.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if gone is None:
        return False
    keys = [f"code:{gone}"]
    for kind, table in (("passkey", Passkey), ("totp", OneTimeSecret), ("phone", Phone)):
        withdrawn = db.execute(
            update(table)
            .where(table.card_id == gone, table.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
            .returning(table.id)
            .execution_options(synchronize_session=False)
        ).scalars()
        keys += [f"{kind}:{number}" for number in sorted(withdrawn)]
    db.query(Pairing).filter_by(card_id=gone).delete(synchronize_session=False)
    for key in keys:
        notices.means_changed(
            db, practitioner_id, Event.MEANS_WITHDRAWN, key, name="", origin=origin, now=now, told=False
        )
    kill_approvals(db, practitioner_id, now=now)
    ended(db, practitioner_id, means=None, origin=origin, now=now)
    journal.record(
        db,
        Event.CARD_ENDED,
        registry.subject(practitioner_id),
        now=now,
        origin=origin,
        card=gone,
        state=state,
    )
    return True


def withdraw(db: Session, practitioner_id: int, *, ended: Ended, origin: Origin, now: datetime) -> None:
    """Freeze the e-CPS: nothing bound to it opens anything again; refuses `means-unknown` without a card."""
    hold(db, practitioner_id)
    if not end(db, practitioner_id, state=WITHDRAWN, ended=ended, origin=origin, now=now):
        raise Refusal("means-unknown")
    notices.tell(db, practitioner_id, "card-withdrawn", now=now)
