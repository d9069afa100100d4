"""What the worker does between deliveries: seal the journal, forget what can no longer be used."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pro_sante_connect.access import sessions as account_sessions
from pro_sante_connect.audit import seal
from pro_sante_connect.core import counters, once, outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.ecps.purge import purge as forget_expired_means
from pro_sante_connect.oidc.models import RevokedToken
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import loads, undo
from pro_sante_connect.signals import deliveries, stream_news
from pro_sante_connect.signals.models import BoxedMessage

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
    """Drop what expired or was kept long enough; each kind in short transactions of its own.

    The journal stays: its entries are chained, and the store refuses to delete them.
    """
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
    with writing(dep.engine) as db:
        account_sessions.forget_expired(db, before=now)
    kept = dep.settings.retention
    _in_batches(dep, counters.forget_expired, now=now)
    _in_batches(dep, sessions.forget_expired, before=now - timedelta(days=kept.sessions))
    _in_batches(dep, loads.forget_rejects, before=now - timedelta(days=kept.rejects))
    _in_batches(dep, undo.forget, before=now - timedelta(days=kept.rejects))
    _in_batches(dep, deliveries.forget_settled, before=now - timedelta(days=kept.deliveries))
    _in_batches(dep, stream_news.forget, before=now - timedelta(days=kept.deliveries))
    _in_batches(dep, _forget_messages, before=now - timedelta(days=kept.messages))


def _in_batches(dep: Deployment, forget: Callable[..., int], **until: datetime) -> None:
    """Until a batch is not full; between two of them others may write."""
    dropped = BATCH
    while dropped == BATCH:
        with writing(dep.engine) as db:
            dropped = forget(db, limit=BATCH, **until)


def _forget_messages(db: Session, *, before: datetime, limit: int) -> int:
    late = list(db.scalars(select(BoxedMessage.id).where(BoxedMessage.sent_at < before).limit(limit)))
    db.execute(delete(BoxedMessage).where(BoxedMessage.id.in_(late)))
    return len(late)
