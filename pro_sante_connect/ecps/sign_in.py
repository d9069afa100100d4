"""The only door out of the room: a proof becomes an `Authentication`, or a refusal.

Outcomes are values inside a transaction: what a refusal writes must be committed before it is raised.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import card, notices
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.status import Scope, Standing, Status

Outcome = Authentication | Refusal

_KINDS = {Status.SUSPENDED: "suspended", Status.STRUCK_OFF: "struck-off"}


def conclude(
    db: Session, practitioner_id: int, *, means: str, methods: tuple[str, ...], level: Level,
    origin: Origin, now: datetime,
) -> Outcome:  # fmt: skip
    """A proof was given; may it open a session? Writes the journal either way; the caller commits, then settles."""
    refusal = stopped(db, practitioner_id, now=now)
    if refusal is None and not card.in_force(db, practitioner_id, now=now):
        refusal = Refusal("card-expired")
    if refusal is not None:
        notices.refused(db, practitioner_id, means=means, reason=refusal.code, origin=origin, now=now)
        return refusal
    journal.record(
        db, Event.SIGN_IN_SUCCEEDED, registry.subject(practitioner_id), now=now, origin=origin,
        means=means, level=level.value, methods=list(methods),
    )  # fmt: skip
    return Authentication(
        practitioner=practitioner_id, mode=Mode.MOBILE, methods=methods, level=level, means=means, at=now
    )


def settle(outcome: Outcome) -> Authentication:
    """After the commit: the authentication, or the refusal raised."""
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def stopped(db: Session, practitioner_id: int, *, now: datetime) -> Refusal | None:
    """`sign-in-stopped` for a person the registry keeps out: only after a proof, and never with a reason."""
    standing = registry.standing(db, practitioner_id)
    if status.may_sign_in(standing, now=now):
        return None
    kind = _KINDS.get(status.status(standing, now=now), "absent")
    return Refusal("sign-in-stopped", kind=kind, since=_since(standing, now=now))


def _since(standing: Standing, *, now: datetime) -> datetime:
    """When the person was stopped: by the first decision on her, or by the last one on her exercices."""
    weighing = [block for block in standing.blocks if block.in_force(now)]
    person = [block.blocks_from for block in weighing if block.scope is Scope.PERSON]
    exercices = [block.blocks_from for block in weighing if block.scope is Scope.EXERCICE]
    absent = standing.presence.absent_since or standing.presence.present_since
    return min(person, default=max(exercices, default=absent))
