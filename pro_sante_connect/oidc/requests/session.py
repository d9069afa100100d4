"""The sign-in session that services share: begun by a proof, slid by use, ended for good.

begin ── find (each use: limits, epoch, practitioner unbroken) ── renew (a fresh proof, same person) ── end
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin, record
from pro_sante_connect.core import outbox
from pro_sante_connect.core.authentication import Authentication
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.epoch import Epoch
from pro_sante_connect.oidc.models import Authorization, Session
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.settings import Lifetimes

TOUCH_AFTER = timedelta(seconds=30)

_CURRENT: Any = select(Epoch.number).where(Epoch.id == 1).scalar_subquery()
_READ = (
    select(Session, Epoch.number, Practitioner)
    .join(Practitioner, Practitioner.id == Session.practitioner_id)
    .join(Epoch, Epoch.id == 1)
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A session and the secret for the browser's cookie, told once."""

    session: Session
    secret: str


@dataclass(frozen=True, slots=True)
class Held:
    """A live session with what was read to know that it lives."""

    session: Session
    person: Practitioner
    standing: status.Standing


def begin(
    db: DatabaseSession,
    authentication: Authentication,
    *,
    former: Session | None,
    device: str,
    lifetimes: Lifetimes,
    chance: Chance,
    now: datetime,
) -> Begun:
    """A session for this proof. The same person's live session is renewed under a new secret; another's ends."""
    secret = chance.token(32)
    if former is not None and former.practitioner_id == authentication.practitioner:
        _prove(former, authentication, secret, lifetimes, now)
        return Begun(former, secret)
    if former is not None:
        end(
            db,
            former.id,
            origin=Origin(actor=f"practitioner:{authentication.practitioner}"),
            reason="replaced",
            now=now,
        )
    session = Session(
        id=chance.uuid(),
        practitioner_id=authentication.practitioner,
        epoch=_CURRENT,
        device=device,
        began_at=now,
    )
    _prove(session, authentication, secret, lifetimes, now)
    db.add(session)
    return Begun(session, secret)


def _prove(session: Session, proof: Authentication, secret: str, lifetimes: Lifetimes, now: datetime) -> None:
    session.cookie_digest = digest(secret)
    session.mode, session.level, session.methods = proof.mode, proof.level, " ".join(proof.methods)
    session.means = proof.means
    session.authenticated_at = proof.at
    session.last_seen_at = now
    session.expires_at = now + timedelta(seconds=lifetimes.session)


def find(db: DatabaseSession, secret: str, *, idle: timedelta, now: datetime) -> Held | None:
    """The live session of this browser secret, read with everything it depends on."""
    return _live(db, Session.cookie_digest == digest(secret), idle=idle, now=now)


def again(db: DatabaseSession, sid: str, *, idle: timedelta, now: datetime) -> Held | None:
    """The session of that id, if it lives still."""
    return _live(db, Session.id == sid, idle=idle, now=now)


def _live(db: DatabaseSession, which: ColumnElement[bool], *, idle: timedelta, now: datetime) -> Held | None:
    """Within its limits, of this epoch, and its practitioner unbroken since it began."""
    row = db.execute(_READ.where(which)).first()
    if row is None:
        return None
    session, current, person = row
    if session.ended_at is not None or session.expires_at <= now or session.last_seen_at + idle <= now:
        return None
    if session.epoch != current:
        return None
    standing = registry.standing_of(db, person)
    unbroken = status.unbroken(standing, since=session.began_at, now=now)
    return Held(session, person, standing) if unbroken else None


def touch(db: DatabaseSession, session: Session, *, now: datetime) -> None:
    """Slide the idle limit, at most twice a minute."""
    if session.last_seen_at < now - TOUCH_AFTER:
        session.last_seen_at = now


def end(db: DatabaseSession, sid: str, *, origin: Origin, reason: str, now: datetime) -> bool:
    """End it for all its services; True for the one caller that did."""
    ended = (
        update(Session)
        .where(Session.id == sid, Session.ended_at.is_(None))
        .values(ended_at=now)
        .returning(Session.practitioner_id)
        .execution_options(synchronize_session="fetch")
    )
    practitioner = db.scalars(ended).first()
    if practitioner is None:
        return False
    record(db, Event.SESSION_ENDED, f"practitioner:{practitioner}", now=now, origin=origin, session=sid, reason=reason)
    outbox.write(db, "session:ended", f"session:{sid}", now=now, facts={"reason": reason})
    return True


def end_many(
    db: DatabaseSession, practitioner: int, *, origin: Origin, reason: str, now: datetime, means: str | None = None
) -> int:
    """End all sessions of a person, or those that one means opened; returns how many."""
    wanted = select(Session.id).where(Session.practitioner_id == practitioner, Session.ended_at.is_(None))
    if means is not None:
        wanted = wanted.where(Session.means == means)
    return sum(end(db, sid, origin=origin, reason=reason, now=now) for sid in db.scalars(wanted).all())


def open_of(db: DatabaseSession, practitioner: int) -> list[tuple[str, datetime]]:
    """Ids of the sessions of a person that nobody ended, live or not, and when each began."""
    wanted = select(Session.id, Session.began_at).where(
        Session.practitioner_id == practitioner, Session.ended_at.is_(None)
    )
    return [(sid, began) for sid, began in db.execute(wanted)]


def of_person(db: DatabaseSession, practitioner: int, *, idle: timedelta, now: datetime) -> list[Session]:
    """Sessions that still count, newest first."""
    rows = db.scalars(
        select(Session)
        .where(
            Session.practitioner_id == practitioner,
            Session.ended_at.is_(None),
            Session.expires_at > now,
            Session.last_seen_at > now - idle,
        )
        .order_by(Session.began_at.desc())
    )
    return list(rows)


def clients_met(db: DatabaseSession, sid: str) -> list[str]:
    """Ids of the clients that were given something in this session."""
    return list(db.scalars(select(Authorization.client_id).where(Authorization.session_id == sid).distinct()))


def forget_expired(db: DatabaseSession, *, before: datetime, limit: int) -> int:
    """Drop sessions that could not be used any more before that moment, and what was given in them; returns how many
    sessions. A code or token of theirs is then unknown, which refuses it as surely as its end did."""
    late = list(db.scalars(select(Session.id).where(Session.expires_at < before).limit(limit)))
    db.execute(delete(Authorization).where(Authorization.session_id.in_(late)))
    db.execute(delete(Session).where(Session.id.in_(late)))
    return len(late)
