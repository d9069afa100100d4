"""Browsers that answer sign-in requests. The token in the phone's cookie is the phone."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.ecps import names
from pro_sante_connect.ecps.models import ACTIVE, Card, Phone


def find(db: Session, token: str, *, now: datetime) -> Phone | None:
    """The phone that holds this token, while it and its card are usable; `practitioner` is loaded with it."""
    return db.scalars(
        select(Phone)
        .join(Card, Card.id == Phone.card_id)
        .where(
            Phone.token_digest == digest(token),
            Phone.withdrawn_at.is_(None),
            Card.state == ACTIVE,
            Card.expires_at > now,
        )
    ).first()


def add(db: Session, card: Card, *, name: str, chance: Chance, now: datetime) -> tuple[Phone, str]:
    """A new phone of that card, and its token."""
    token = chance.token(32)
    phone = Phone(
        card_id=card.id, practitioner_id=card.practitioner_id, token_digest=digest(token),
        name=names.of_means(name), added_at=now, uses=0,
    )  # fmt: skip
    db.add(phone)
    db.flush()
    return phone, token
