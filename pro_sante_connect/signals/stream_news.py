"""What a note means for streams: one event for each stream concerned, in the transaction that closes the note.

A service hears about the people it met, and about nobody else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.database import insert
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.models import MICROSECOND
from pro_sante_connect.core.outbox import Taken
from pro_sante_connect.oidc.models import Authorization, Client
from pro_sante_connect.oidc.models import Session as SignIn
from pro_sante_connect.oidc.tokens.claims import subject_of
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.models import Decision, Practitioner
from pro_sante_connect.rpps.status import Standing, Status
from pro_sante_connect.settings import Issuer
from pro_sante_connect.signals import security_events
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING
from pro_sante_connect.signals.stream_models import DISABLED, ENABLED, Stream, StreamEvent, StreamSubject

Json = dict[str, Any]

_BY = {
    "sign-out": "user", "logout": "user", "ended-by-person": "user", "means-withdrawn": "user", "replaced": "user",
    "ended-by-staff": "admin", "practice-stopped": "admin", "card-ended": "policy",
}  # fmt: skip
_OVER = (Status.STRUCK_OFF, Status.RETIRED, Status.DECEASED, Status.ABSENT)
# Kinds of a status note after which somebody may be in again.
RESTORES = ("reinstatement", "present", "lapsed")


def restored(db: Session, facts: Json, standing: Standing, *, now: datetime) -> bool:
    """By what this note tells the person, who was stopped, is in again."""
    if facts.get("kind") not in RESTORES or not status.may_sign_in(standing, now=now):
        return False
    if facts["kind"] != "lapsed":
        return bool(facts.get("scope", "person") == "person")
    over = db.get_one(Decision, facts["decision"])
    if over.lifted_at is not None or over.blocks_until is None:  # lifted before its end: that was told
        return False
    return not status.may_sign_in(standing, now=over.blocks_until - MICROSECOND)


@dataclass(frozen=True, slots=True)
class News:
    """One note, and what it means for streams; each verb returns how many events are new."""

    db: Session
    note: Taken
    issuer: Issuer
    chance: Chance
    now: datetime

    def session_ended(self) -> int:
        """For the services met in that session."""
        sid = self.note.subject.removeprefix("session:")
        whose = select(Practitioner).join(SignIn, SignIn.practitioner_id == Practitioner.id).where(SignIn.id == sid)
        person = self.db.scalars(whose).first()
        if person is None:
            return 0
        met = select(Authorization.client_id).where(Authorization.session_id == sid)
        subject = self._subject(person)
        told = security_events.session_revoked(self.now, by=_BY.get(str(self.note.facts.get("reason")), "system"))
        return self._write(met, subject, security_events.session(self.issuer.issuer, subject, sid), told)

    def right_changed(self, person_id: int) -> int:
        """For the services that the person ever opened: what is true now."""
        person, facts = registry.get(self.db, person_id), self.note.facts
        standing, told = registry.standing_of(self.db, person), 0
        restores = facts.get("kind") in RESTORES
        if facts.get("scope", "person") != "person":
            what = security_events.practice_changed if restores else security_events.activity_ended
            told = self._about(person, what(self.now))
        if restored(self.db, facts, standing, now=self.now):
            outcome = "restored"
        elif restores or status.may_sign_in(standing, now=self.now):
            return told
        else:
            outcome = "ended" if status.status(standing, now=self.now) in _OVER else "suspended"
        return told + self._about(person, security_events.right_changed(outcome, self.now))

    def activity_ended(self, person_id: int) -> int:
        """Likewise, when an activity or an exercice ended or was stopped."""
        return self._about(registry.get(self.db, person_id), security_events.activity_ended(self.now))

    def _subject(self, person: Practitioner) -> str:
        return subject_of(self.issuer.subject_uuid, person.national_id)

    def _about(self, person: Practitioner, told: Json) -> int:
        met = select(Authorization.client_id).where(Authorization.practitioner_id == person.id)
        subject = self._subject(person)
        return self._write(met, subject, security_events.user(self.issuer.issuer, subject), told)

    def _write(self, met: Any, subject: str, about: Json, told: Json) -> int:
        silent = select(StreamSubject.stream_id).where(StreamSubject.subject == subject)
        streams = self.db.scalars(
            select(Stream)
            .join(Client, Client.id == Stream.client_id)
            .where(
                Stream.client_id.in_(met), Stream.status != DISABLED, Client.disabled_at.is_(None),
                Stream.id.not_in(silent),
            )
            .order_by(Stream.id)
            .with_for_update(key_share=True, read=True, of=Stream)  # its service may end it meanwhile
        )  # fmt: skip
        # One event in a token: receivers that know only one of a pair need not know the other (RFC 8417 §2.2).
        rows = [
            self._row(stream.id, name, about, facts)
            for stream in streams
            for name, facts in told.items()
            if name in stream.events_requested
        ]
        if not rows:
            return 0
        one = [StreamEvent.stream_id, StreamEvent.source]
        kept = insert(self.db, StreamEvent).values(rows).on_conflict_do_nothing(index_elements=one)
        return len(self.db.execute(kept.returning(StreamEvent.id)).all())

    def _row(self, stream_id: str, name: str, about: Json, facts: Json) -> dict[str, Any]:
        # By what it tells: numbers of notes that were purged come again on SQLite.
        what = orjson.dumps([self.note.topic, self.note.subject, self.note.facts, name], option=orjson.OPT_SORT_KEYS)
        return {
            "jti": self.chance.uuid(), "stream_id": stream_id, "source": digest(what.decode()), "subject": about,
            "events": {name: facts}, "txn": f"note-{self.note.id}", "state": WAITING, "written_at": self.now,
            "due_at": self.now, "attempts": 0, "last_cause": "",
        }  # fmt: skip


def claims(event: StreamEvent, *, issuer: str, audience: str) -> Json:
    """What its token says, pushed or polled."""
    return security_events.token(
        issuer=issuer, audience=audience, jti=event.jti, subject=event.subject, events=event.events, txn=event.txn,
        now=event.written_at,
    )  # fmt: skip


def forget(db: Session, *, before: datetime, limit: int) -> int:
    """Drop what is older, heard or not: whoever did not ask for so long asks in vain. Returns how many."""
    late = list(db.scalars(select(StreamEvent.id).where(StreamEvent.written_at < before).limit(limit)))
    db.execute(delete(StreamEvent).where(StreamEvent.id.in_(late)))
    return len(late)


def polled(
    db: Session, stream: Stream, *, acknowledged: list[str], refused: dict[str, str], most: int, now: datetime
) -> tuple[list[StreamEvent], bool]:
    """RFC 8936 §2.4: write down what was heard, then the oldest that wait, and whether there are more."""
    _close(db, stream, acknowledged, state=ACKNOWLEDGED, cause="", now=now)
    for jti, cause in refused.items():
        _close(db, stream, [jti], state=DEAD, cause=cause, now=now)
    if most < 1 or stream.status != ENABLED:
        return [], False
    waiting = select(StreamEvent).where(StreamEvent.stream_id == stream.id, StreamEvent.state == WAITING)
    found = list(db.scalars(waiting.order_by(StreamEvent.id).limit(most + 1)))
    return found[:most], len(found) > most


def _close(db: Session, stream: Stream, jtis: list[str], *, state: str, cause: str, now: datetime) -> None:
    if jtis:
        mine = (StreamEvent.stream_id == stream.id, StreamEvent.jti.in_(jtis), StreamEvent.state == WAITING)
        db.query(StreamEvent).filter(*mine).update(
            {"state": state, "last_cause": cause, "last_at": now}, synchronize_session=False
        )
