"""Who is not published: threatened, or opposed to it (R391). She signs in; no search, no address, no telephone.

It outlives loads, and their silence says nothing about her meanwhile (`registry.standing_of`).
"""

from datetime import datetime

from sqlalchemy import case, literal, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import outbox
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.rpps.registry import subject


def judge(practitioner: Practitioner, *, protected: bool) -> None:
    """Whether she can become so; refuses `already-protected`, `not-protected`."""
    if practitioner.protected == protected:
        raise Refusal("already-protected" if protected else "not-protected")


def protect(db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime) -> None:
    """Publish her no more. Whoever had left the files may enter again, with new sessions. Refuses `reason-missing`,
    `already-protected`."""
    _become(db, practitioner, True, reason=reason, origin=origin, now=now)


def lift(db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime) -> None:
    """Publish her again, if the files hold her; else she is absent from now on. Refuses `reason-missing`,
    `not-protected`."""
    _become(db, practitioner, False, reason=reason, origin=origin, now=now)


def _become(
    db: Session, practitioner: Practitioner, protected: bool, *, reason: str, origin: Origin, now: datetime
) -> None:
    if not reason.strip():
        raise Refusal("reason-missing")
    # What she began before she left the files is over, and must not revive by being protected.
    since = Practitioner.present_since
    began = case((Practitioner.absent_since.is_not(None), literal(now, since.type)), else_=since)
    made = db.scalars(
        update(Practitioner)
        .where(Practitioner.id == practitioner.id, Practitioner.protected.is_(not protected))
        .values(protected=protected, changed_at=now, present_since=began if protected else since)
        .returning(Practitioner)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).first()
    if made is None:
        raise Refusal("already-protected" if protected else "not-protected")
    event = Event.PRACTITIONER_PROTECTED if protected else Event.PRACTITIONER_PROTECTION_ENDED
    journal.record(db, event, subject(made.id), now=now, origin=origin, reason=reason)
    if made.absent_since is not None:
        facts = {"kind": "present" if protected else "absent"}
        outbox.write(db, "practitioner:status-changed", subject(made.id), now=now, facts=facts)
