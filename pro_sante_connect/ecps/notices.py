"""What the person is told about her card, by the outbox: each event of a means reaches a known channel."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import outbox
from pro_sante_connect.core.words import LANGUAGES
from pro_sante_connect.ecps.models import Card
from pro_sante_connect.rpps import registry

NOBODY = "practitioner:unknown"


def tell(db: Session, practitioner_id: int, template: str, *, now: datetime, **facts: Any) -> None:
    """One message to the mail address the registry holds, else to the mobile, else nobody."""
    person = registry.get(db, practitioner_id)
    channel = "mail" if person.contact_email else "sms"
    to = person.contact_email or person.contact_phone
    if to:
        language = language_of(db, practitioner_id)
        send(db, practitioner_id, template, channel=channel, to=to, language=language, now=now, **facts)


def language_of(db: Session, practitioner_id: int) -> str:
    """The newest card's; whoever never had one is written to in French."""
    newest = select(Card.language).where(Card.practitioner_id == practitioner_id).order_by(Card.id.desc()).limit(1)
    return db.scalars(newest).first() or LANGUAGES[0]


def send(
    db: Session, practitioner_id: int, template: str, *, channel: str, to: str, language: str, now: datetime,
    sealed: bytes | None = None, **facts: Any,
) -> None:  # fmt: skip
    """One message; what must not be read at rest comes `sealed`."""
    outbox.write(
        db, "message:send", registry.subject(practitioner_id), now=now, sealed=sealed,
        facts={"channel": channel, "to": to, "template": template, "language": language, **facts},
    )  # fmt: skip


def means_changed(
    db: Session, practitioner_id: int, event: Event, key: str, *, name: str, origin: Origin, now: datetime,
    told: bool = True,
) -> None:  # fmt: skip
    """A means was added, withdrawn or set aside: the journal, the outbox and the person hear of it."""
    subject = registry.subject(practitioner_id)
    change = event.value.partition(":")[2]
    journal.record(db, event, subject, now=now, origin=origin, means=key)
    outbox.write(db, "means:changed", subject, now=now, facts={"key": key, "change": change})
    if told:
        tell(db, practitioner_id, f"means-{change}", now=now, means=name)


def refused(
    db: Session, practitioner_id: int | None, *, means: str, reason: str, origin: Origin, now: datetime
) -> None:
    """A sign-in that failed, known person or not."""
    subject = NOBODY if practitioner_id is None else registry.subject(practitioner_id)
    journal.record(db, Event.SIGN_IN_REFUSED, subject, now=now, origin=origin, means=means, reason=reason)


def disabled(db: Session, practitioner_id: int, way: str, *, origin: Origin, now: datetime) -> None:
    """A means failed so often in a row that it stays closed until a new activation."""
    subject = registry.subject(practitioner_id)
    journal.record(db, Event.MEANS_DISABLED, subject, now=now, origin=origin, means=way)
    tell(db, practitioner_id, "means-disabled", now=now)
