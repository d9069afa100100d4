"""What the worker does between deliveries: seal the journal, forget what can no longer be used."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from pro_sante_connect.audit import seal
from pro_sante_connect.core import once, outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.ecps.purge import purge as forget_expired_means
from pro_sante_connect.oidc.models import RevokedToken
from pro_sante_connect.oidc.requests import interaction as interactions

BATCH = 500
# No transaction lives that long: an entry older than this is sealed or is found by the full walk.
RECENT = timedelta(hours=1)
KEPT_NOTES = timedelta(days=7)
KEPT_INTERACTIONS = timedelta(days=1)


def seal_journal(dep: Deployment, *, everything: bool = False) -> int:
    """Seal what has no seal, in small transactions; `everything` walks the whole journal for stragglers."""
    since = None if everything else dep.clock.now() - RECENT
    with reading(dep.engine) as db:
        oldest = seal.oldest_unsealed(db, since=since)
    if oldest is None:
        return 0
    total = 0
    while True:
        with writing(dep.engine) as db:
            sealed = seal.seal(db, limit=BATCH, since=oldest)
        total += sealed
        if sealed < BATCH:
            return total


def purge(dep: Deployment) -> None:
    """Drop what expired; each kind in a short transaction of its own."""
    now: datetime = dep.clock.now()
    with writing(dep.engine) as db:
        once.forget_expired(db, now=now)
    with writing(dep.engine) as db:
        interactions.forget_expired(db, before=now - KEPT_INTERACTIONS)
    with writing(dep.engine) as db:
        outbox.purge(db, before=now - KEPT_NOTES)
    with writing(dep.engine) as db:
        forget_expired_means(db, now=now)
    with writing(dep.engine) as db:
        db.execute(delete(RevokedToken).where(RevokedToken.expires_at < now))
