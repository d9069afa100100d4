"""A means is withdrawn, set aside or ends with its card: the sessions it opened end in the same transaction.

`ecps` takes `end_sessions` wherever it ends a means, since it may not know what a session is; the outbox is told
there.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.ecps import card
from pro_sante_connect.ecps import means as ways
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry, status


def end_sessions(db: Session, practitioner_id: int, *, means: str | None, origin: Origin, now: datetime) -> None:
    """`ecps.card.Ended`: what that means opened is over, or all that the person has open."""
    reason = "card-ended" if means is None else "means-withdrawn"
    sessions.end_many(db, practitioner_id, means=means, origin=origin, reason=reason, now=now)


def end_broken(db: Session, practitioner_id: int, *, origin: Origin, now: datetime) -> int:
    """End what the person began and may not go on with, so that her services are told; returns how many sessions.

    Each by when it began: whoever was stopped and reinstated meanwhile has sessions that are dead and were not ended.
    One that ran out by itself counts: the service that it opened may know her still.
    """
    standing = registry.standing(db, practitioner_id)
    return sum(
        sessions.end(db, sid, origin=origin, reason="practice-stopped", now=now)
        for sid, began in sessions.open_of(db, practitioner_id)
        if not status.unbroken(standing, since=began, now=now)
    )


def withdraw(dep: Deployment, practitioner_id: int, key: str, *, origin: Origin) -> None:
    """Take one means back; refuses `last-means` and `means-unknown` and then changes nothing."""
    with writing(dep.engine) as db:
        ways.withdraw(db, practitioner_id, key, ended=end_sessions, origin=origin, now=dep.clock.now())


def freeze(dep: Deployment, practitioner_id: int, *, origin: Origin) -> None:
    """Stop the whole card; refuses `means-unknown` when there is none."""
    with writing(dep.engine) as db:
        card.withdraw(db, practitioner_id, ended=end_sessions, origin=origin, now=dep.clock.now())
