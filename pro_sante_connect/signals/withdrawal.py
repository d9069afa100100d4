"""A means is withdrawn: the card loses it, the sessions it opened end, the outbox is told. One transaction."""

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.ecps import means
from pro_sante_connect.oidc.requests import session as sessions


def withdraw(dep: Deployment, practitioner_id: int, key: str, *, origin: Origin) -> int:
    """Returns how many sessions ended; refuses `last-means` and `means-unknown` and then changes nothing."""
    now = dep.clock.now()
    with writing(dep.engine) as db:
        means.withdraw(db, practitioner_id, key, origin=origin, now=now)  # writes the "means:changed" note
        return sessions.end_many(db, practitioner_id, means=key, origin=origin, reason="means-withdrawn", now=now)
