"""The browser that is a person's phone: known by a token of its own while the card is usable."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.ecps import card, names, notices
from pro_sante_connect.ecps.models import Card, Phone


def find(db: Session, token: str, *, now: datetime) -> Phone | None:
    """The phone that holds this token; None when it was withdrawn or its card is over."""
    found = db.scalars(select(Phone).where(Phone.token_digest == digest(token), Phone.withdrawn_at.is_(None))).first()
    mine = card.usable(db, found.practitioner_id, now=now) if found is not None else None
    return found if found is not None and mine is not None and mine.id == found.card_id else None


def add(db: Session, target: Card, *, name: str, origin: Origin, chance: Chance, now: datetime) -> str:
    """A new phone on that card; its token, told once."""
    token = chance.token(32)
    phone = Phone(
        card_id=target.id, practitioner_id=target.practitioner_id, token_digest=digest(token),
        name=names.of_means(name), added_at=now,
    )  # fmt: skip
    db.add(phone)
    db.flush()
    key = f"phone:{phone.id}"
    notices.means_changed(db, target.practitioner_id, Event.MEANS_ADDED, key, name=phone.name, origin=origin, now=now)
    return token
