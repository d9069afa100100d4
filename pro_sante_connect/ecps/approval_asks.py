"""Whose request a phone hears of. Numbers are public, so whoever asks is counted, and not only whoever is asked.

Three requests without an answer in ten minutes: the next ones are quiet, which means that phones do not list them and
only their QR code is answered. Ten by one asker for one person: no more, and the journal knows. One request per person
waits at a time: it gives way to its own asker, or to one who has asked no more often, so that nobody can go on pushing
others aside. Strangers neither push aside nor make quiet the request of a browser where the person signed in before,
and nobody one that the phone has matched.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.core import counters
from pro_sante_connect.core.counters import network
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts
from pro_sante_connect.ecps.approval_rows import OPEN
from pro_sante_connect.ecps.models import EXPIRED, KILLED, MATCHED, REFUSED, REPLACED, Approval

PROMPTS, ASKS, WINDOW = 3, 10, timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Asker:
    """A familiar browser, or a network: how many times it has asked this person, this time included."""

    name: str
    familiar: bool
    asks: int
    browser_digest: str


def admit(db: Session, request: Approval, *, familiar: str, address: str, now: datetime) -> Refusal | None:
    """Let this request wait instead of the one that does, and say on it who asks; `approvals-paused` (minutes) for one
    who asks too often, or while another's does not give way. The caller lets one request of a person through at a time.

    What is refused is not counted: only those who kept others waiting have to give way.
    """
    name = digest(familiar or network(address))[:32]
    asks, left = attempts.so_far(db, _counter(request.person, name), window=WINDOW, now=now)
    if asks >= ASKS:
        return Refusal("approvals-paused", minutes=attempts.minutes(left))
    asker = Asker(name, bool(familiar), asks + 1, request.browser_digest)
    refusal = _make_way(db, request.person, asker, now=now)
    if refusal is None:
        counters.reserve(db, _counter(request.person, name), window=WINDOW, now=now)
        request.asker, request.familiar, request.asks = asker.name, asker.familiar, asker.asks
        request.quiet = _quiet(db, request.person, familiar=asker.familiar, now=now)
    return refusal


def forget(db: Session, person: str, asker: str) -> None:
    """What this asker asked for was approved: it begins anew."""
    counters.reset(db, _counter(person, asker))


def _counter(person: str, asker: str) -> str:
    return f"approvals:{person}:{asker}"


def _make_way(db: Session, person: str, asker: Asker, *, now: datetime) -> Refusal | None:
    """End the request that waits, if any and if it gives way."""
    waiting = (Approval.person == person, Approval.state.in_(OPEN))
    _end(db, *waiting, Approval.expires_at <= now, state=EXPIRED, ended_at=Approval.expires_at)
    holder = db.scalars(select(Approval).where(*waiting).execution_options(populate_existing=True)).first()
    if holder is not None and not gives_way(holder, asker):
        return Refusal("approvals-paused", minutes=attempts.minutes(holder.expires_at - now))
    _end(db, *waiting, state=REPLACED, ended_at=now)
    return None


def _end(db: Session, *which: ColumnElement[bool], **values: Any) -> None:
    db.execute(update(Approval).where(*which).values(**values).execution_options(synchronize_session=False))


def gives_way(holder: Approval, newcomer: Asker) -> bool:
    """Whether a request that waits ends for a newer one."""
    if newcomer.name == holder.asker or newcomer.browser_digest == holder.browser_digest:
        return True
    if holder.state == MATCHED:
        return False
    if holder.familiar is not newcomer.familiar:
        return newcomer.familiar
    return newcomer.asks <= holder.asks


def _quiet(db: Session, person: str, *, familiar: bool, now: datetime) -> bool:
    """The phone has had enough. A replaced request counts too: asking again and again is what prompts are limited for.

    Familiar browsers are judged by their own.
    """
    unanswered = select(func.count()).where(
        Approval.person == person,
        Approval.familiar.is_(familiar),
        Approval.ended_at > now - WINDOW,
        Approval.state.in_((REFUSED, EXPIRED, KILLED, REPLACED)),
    )
    return (db.scalar(unanswered) or 0) >= PROMPTS
