"""After a backup was restored: what it holds as unused may have been used since."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from pro_sante_connect.ecps import totp
from pro_sante_connect.ecps.models import (
    ABANDONED,
    APPROVED,
    ASKED,
    CLOSED,
    ENROLLING,
    KILLED,
    MATCHED,
    PENDING,
    VERIFIED,
    Activation,
    Approval,
    Card,
    Ceremony,
    OneTimeSecret,
    Pairing,
)  # fmt: skip


def void(db: Session, *, now: datetime) -> None:
    """One-time codes up to now are spent; codes, enrolments, pairings, challenges and requests under way are dead."""
    # The last one that could have been taken before the restore is one step ahead of the clock.
    taken = totp.step_of(now) + totp.WINDOW
    confirmed = OneTimeSecret.confirmed_at.is_not(None)
    changes = (
        update(OneTimeSecret).where(confirmed, OneTimeSecret.last_step < taken).values(last_step=taken),
        update(Activation).where(Activation.state.in_((ASKED, VERIFIED))).values(state=CLOSED),
        update(Card).where(Card.state == ENROLLING).values(state=ABANDONED),
        update(Approval).where(Approval.state.in_((PENDING, MATCHED, APPROVED))).values(state=KILLED, ended_at=now),
        delete(Pairing),
        delete(Ceremony),
    )
    for change in changes:
        db.execute(change.execution_options(synchronize_session=False))
