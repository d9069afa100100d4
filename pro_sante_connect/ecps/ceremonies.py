"""One-time WebAuthn challenges: bound to a browser and a kind of ceremony, deleted by their one answer."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.ecps.models import Ceremony

LIFETIME = timedelta(minutes=5)


class Kind(StrEnum):
    """A challenge of one kind answers no other."""

    SIGN_IN = "sign-in"
    APPROVAL = "approval"
    REGISTRATION = "registration"


@dataclass(frozen=True, slots=True)
class Opened:
    """Whose answer was awaited."""

    practitioner_id: int | None
    discoverable: bool


def begin(
    db: Session, kind: Kind, *, binding: str, practitioner_id: int | None, discoverable: bool = False,
    chance: Chance, now: datetime,
) -> bytes:  # fmt: skip
    """A fresh challenge of 32 bytes; only its digest rests."""
    challenge = chance.bytes(32)
    db.add(
        Ceremony(
            challenge_digest=digest(encoded(challenge)), kind=kind.value, binding_digest=digest(binding),
            practitioner_id=practitioner_id, discoverable=discoverable, expires_at=now + LIFETIME,
        )
    )  # fmt: skip
    return challenge


def consume(db: Session, kind: Kind, *, challenge: str, binding: str, now: datetime) -> Opened | None:
    """Take the challenge, once; None when it is unknown, late, of another kind or of another browser."""
    taken = db.execute(
        delete(Ceremony)
        .where(
            Ceremony.challenge_digest == digest(challenge),
            Ceremony.kind == kind.value,
            Ceremony.binding_digest == digest(binding),
            Ceremony.expires_at > now,
        )
        .returning(Ceremony.practitioner_id, Ceremony.discoverable)
        .execution_options(synchronize_session=False)
    ).first()
    return None if taken is None else Opened(taken[0], taken[1])


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The inverse; raises ValueError for anything but base64url without padding."""
    data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if encoded(data) != text:
        raise ValueError(text)
    return data
