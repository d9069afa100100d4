"""A note → what follows from it, in the transaction that closes the note.

`message:send` is delivered by `delivery.py`. Here the others become notices to the person in plain words, and a session
that ended becomes one delivery for each service that it met. A stop that nothing carried out yet (a file, a date that
came due) ends means and sessions first; their notes follow.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core import outbox
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.outbox import Taken
from pro_sante_connect.ecps import notices
from pro_sante_connect.rpps import decisions, registry, status
from pro_sante_connect.rpps.status import Status
from pro_sante_connect.settings import Issuer
from pro_sante_connect.signals import deliveries, practice
from pro_sante_connect.signals.stream_news import RESTORES, News, restored
from pro_sante_connect.signals.withdrawal import end_broken

DEATH = "DCD"
# Never the reason: the person asks the authority, a mail box is no place for it.
_STOPPED = (Status.SUSPENDED, Status.STRUCK_OFF, Status.RETIRED, Status.ABSENT)


def fan_out(db: Session, note: Taken, *, issuer: Issuer, chance: Chance, now: datetime) -> None:
    """Do what follows, close the note; running twice does no harm."""
    person, news = person_of(note.subject), News(db, note, issuer, chance, now)
    if note.topic == "session:ended":
        deliveries.write(db, note.subject.removeprefix("session:"), note=note.id, chance=chance, now=now)
        news.session_ended()
    elif note.topic == "practitioner:status-changed":
        _end(db, note, now)
        _tell_status(db, note, now)
        if person is not None:
            news.right_changed(person)
    elif note.topic == "practitioner:contact-changed":
        _tell_contact(db, note, now)
    elif note.topic == "activite:ended":
        _tell_activite(db, note, now)
        if person is not None:
            news.activity_ended(person)
    outbox.close(db, note.id, now=now)


def person_of(subject: str) -> int | None:
    """The id in `practitioner:12`; None for any other subject."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "practitioner" and number.isdigit() else None


def _tell_status(db: Session, note: Taken, now: datetime) -> None:
    """What is true now, not what was true when the note was written: a later note tells the later change."""
    person = person_of(note.subject)
    if person is None:
        return
    standing = registry.standing(db, person)
    if restored(db, note.facts, standing, now=now):
        notices.tell(db, person, "access-restored", now=now)
    elif status.may_sign_in(standing, now=now) or note.facts.get("kind") in RESTORES:
        return
    elif status.status(standing, now=now) in _STOPPED and not _died(db, person, now):
        notices.tell(db, person, "access-stopped", now=now)


def _died(db: Session, person: int, now: datetime) -> bool:
    """A death that waits for its second signature suspends meanwhile; no letter goes to the bereaved."""
    return any(one.reason == DEATH and decisions.in_force(one, now=now) for one in decisions.of(db, person))


def _end(db: Session, note: Taken, now: datetime) -> None:
    person = person_of(note.subject)
    if person is not None:
        practice.end_means(db, person, origin=SYSTEM, now=now)
        end_broken(db, person, origin=SYSTEM, now=now)


def _tell_contact(db: Session, note: Taken, now: datetime) -> None:
    """The former mail address and the former mobile, while whoever holds the new ones cannot use them yet."""
    person, former = person_of(note.subject), note.facts["former"]
    letters = (
        ("contact-changed-mail", "mail", former["email"]),
        ("contact-changed-sms", "sms", former["phone"]),
    )
    for template, channel, to in letters:
        if person is not None and to:
            language = notices.language_of(db, person)
            notices.send(db, person, template, channel=channel, to=to, language=language, now=now)


def _tell_activite(db: Session, note: Taken, now: datetime) -> None:
    """Only what staff decided: a nightly import ends thousands, as the person already knows."""
    person = person_of(note.subject)
    if person is not None and note.facts.get("by") == "staff":
        notices.tell(db, person, "activity-ended", now=now)
