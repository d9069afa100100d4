"""Drop what can no longer be presented."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.ecps.models import (
    ABANDONED,
    ASKED,
    CLOSED,
    DONE,
    ENROLLING,
    VERIFIED,
    Activation,
    Approval,
    Card,
    Ceremony,
    OneTimeSecret,
    Pairing,
    Passkey,
)  # fmt: skip

KEPT = timedelta(days=1)


def purge(db: Session, *, now: datetime) -> None:
    """Late challenges and pairings at once, requests and codes after a day, enrolments when they lapse."""
    for table in (Ceremony, Pairing):
        db.execute(delete(table).where(table.expires_at <= now))
    db.execute(delete(Approval).where(Approval.expires_at < now - KEPT))
    db.execute(
        update(Activation)
        .where(Activation.state.in_((ASKED, VERIFIED)), Activation.expires_at <= now)
        .values(state=CLOSED)
        .execution_options(synchronize_session=False)
    )
    alive = select(Activation.card_id).where(Activation.state == VERIFIED, Activation.card_id.is_not(None))
    lapsed = (ENROLLING, ABANDONED)
    dead = select(Card.id).where(Card.state.in_(lapsed), Card.id.not_in(alive))
    dropped = list(db.scalars(dead))
    for means in (Passkey, OneTimeSecret):
        db.execute(delete(means).where(means.card_id.in_(dropped)))
    db.execute(delete(Activation).where(Activation.card_id.in_(dropped)))
    db.execute(delete(Card).where(Card.id.in_(dropped)))
    db.execute(delete(Activation).where(Activation.state.in_((CLOSED, DONE)), Activation.expires_at < now - KEPT))
