"""A decision of staff, and what follows from it for means and sessions, in one transaction.

A suspension closes the means for a while; strike-off, retirement and death end them. Nothing old revives: whoever
is reinstated activates an e-CPS anew.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.ecps import card
from pro_sante_connect.ecps.models import WITHDRAWN
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals.withdrawal import end_broken, end_sessions


def decide(
    db: Session, practitioner: Practitioner, verb: Callable[..., Any], *, origin: Origin, now: datetime, **facts: Any
) -> Any:
    """One verb of `rpps.decisions`, and what it returns."""
    # What took effect by its date and was not carried out yet must not be missed by a reinstatement.
    end_means(db, practitioner.id, origin=origin, now=now)
    made = verb(db, practitioner, origin=origin, now=now, **facts)
    end_means(db, practitioner.id, origin=origin, now=now)
    end_broken(db, practitioner.id, origin=origin, now=now)
    return made


def end_means(db: Session, practitioner_id: int, *, origin: Origin, now: datetime) -> bool:
    """End the card of a person whose practice is over, and her sessions; twice does no harm."""
    if not status.practice_over(registry.standing(db, practitioner_id), now=now):
        return False
    card.hold(db, practitioner_id)
    return card.end(db, practitioner_id, state=WITHDRAWN, ended=end_sessions, origin=origin, now=now)
