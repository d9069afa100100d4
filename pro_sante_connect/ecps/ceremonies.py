"""One-time WebAuthn challenges: bound to a browser and a kind of ceremony, deleted by their one answer."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, delete, insert
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.ecps.models import Ceremony

LIFETIME = timedelta(minutes=5)


class Kind(StrEnum):
    """A challenge of one kind answers no other."""

    SIGN_IN = "sign-in"
    APPROVAL = "approval"
    REGISTRATION = "registration"
    ACCOUNT_SIGN_IN = "account-sign-in"
    ACCOUNT_REGISTRATION = "account-registration"


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
    _begin.run(
        within(db), challenge_digest=digest(encoded(challenge)), kind=kind.value, binding_digest=digest(binding),
        practitioner_id=practitioner_id, discoverable=discoverable, expires_at=microseconds(now + LIFETIME),
    )  # fmt: skip
    return challenge


_columns = ("challenge_digest", "kind", "binding_digest", "practitioner_id", "discoverable", "expires_at")
_begin = Statement(insert(Ceremony).values({name: bindparam(name) for name in _columns}).inline())


def consume(db: Session, kind: Kind, *, challenge: str, binding: str, now: datetime) -> Opened | None:
    """Take the challenge, once; None when it is unknown, late, of another kind or of another browser."""
    taken = _take.one(
        within(db), challenge=digest(challenge), kind=kind.value, binding=digest(binding), now=microseconds(now)
    )
    return None if taken is None else Opened(taken[0], bool(taken[1]))


_take = Statement(
    delete(Ceremony)
    .where(
        Ceremony.challenge_digest == bindparam("challenge"),
        Ceremony.kind == bindparam("kind"),
        Ceremony.binding_digest == bindparam("binding"),
        Ceremony.expires_at > bindparam("now"),
    )
    .returning(Ceremony.practitioner_id, Ceremony.discoverable)
)


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The inverse; raises ValueError for anything but base64url without padding."""
    data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if encoded(data) != text:
        raise ValueError(text)
    return data
