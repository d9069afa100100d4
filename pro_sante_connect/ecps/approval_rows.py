"""The rows behind phone approval: whose phone, which request, and the one statement that changes its state."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import phones
from pro_sante_connect.ecps.models import MATCHED, PENDING, Approval, Phone
from pro_sante_connect.rpps import registry

OPEN = (PENDING, MATCHED)


def phone_of(db: Session, token: str, *, now: datetime) -> Phone:
    found = phones.find(db, token, now=now)
    if found is None:
        raise Refusal("phone-unknown")
    return found


def addressed(
    dep: Deployment, phone_token: str, approval_id: str, states: tuple[str, ...], *, origin: Origin
) -> Approval:
    """The request, if it waits in one of those states for this phone's person."""
    now = dep.clock.now()
    with reading(dep.engine) as db:
        phone = phone_of(db, phone_token, now=now)
        found = db.get(Approval, approval_id)
    if found is None or found.practitioner_id != phone.practitioner_id:
        if found is not None:
            with writing(dep.engine) as db:
                subject = registry.subject(phone.practitioner_id)
                journal.record(db, Event.APPROVAL_MISDIRECTED, subject, now=now, origin=origin)
        raise Refusal("approval-unknown")
    if found.state not in states or found.expires_at <= now:
        raise Refusal("approval-closed")
    return found


def waiting(phone: Phone, approval_id: str, states: tuple[str, ...], *, now: datetime) -> tuple[Any, ...]:
    return (
        Approval.id == approval_id,
        Approval.practitioner_id == phone.practitioner_id,
        Approval.state.in_(states),
        Approval.expires_at > now,
    )


def turn(db: Session, phone: Phone, approval_id: str, states: tuple[str, ...], *, now: datetime, **values: Any) -> bool:
    """Change the request's state, once: True for the one who did it."""
    turned = db.execute(
        update(Approval)
        .where(*waiting(phone, approval_id, states, now=now))
        .values(**values)
        .returning(Approval.id)
        .execution_options(synchronize_session=False)
    )
    return turned.first() is not None
