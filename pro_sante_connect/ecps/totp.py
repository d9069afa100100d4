"""One-time codes (RFC 6238): six digits, 30 s, one step either way; an accepted step never opens again."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.ecps import qr
from pro_sante_connect.ecps.models import Card, OneTimeSecret

WINDOW = 1
_NOBODY = "A" * 32


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """What an authenticator app needs; shown until its first code."""

    uri: str
    secret: str
    svg: str


def tidy(typed: str) -> str | None:
    """What was typed without its spaces; None unless it is six ASCII digits (the library takes any digits)."""
    squeezed = typed.replace(" ", "")
    return squeezed if re.fullmatch(r"[0-9]{6}", squeezed) else None


def step_of(now: datetime) -> int:
    """The step of that moment."""
    return int(now.timestamp()) // 30


def matching_step(secret: str | None, code: str, *, now: datetime) -> int | None:
    """The time step that code belongs to, if any; the same work for nobody's secret."""
    clock = pyotp.TOTP(secret or _NOBODY)
    try:
        step = clock.verify_and_get_timecode(code, for_time=int(now.timestamp()), valid_window=WINDOW)
    except OTPVerificationError:
        return None
    return step if secret else None


def spend(db: Session, secret_id: int, step: int, *, now: datetime) -> bool:
    """Take a step of a confirmed secret, once: True for the first who comes, and only forwards in time."""
    statement = (
        update(OneTimeSecret)
        .where(
            OneTimeSecret.id == secret_id,
            OneTimeSecret.last_step < step,
            OneTimeSecret.confirmed_at.is_not(None),
            OneTimeSecret.withdrawn_at.is_(None),
        )
        .values(last_step=step, last_used_at=now, uses=OneTimeSecret.uses + 1)
        .returning(OneTimeSecret.id)
        .execution_options(synchronize_session=False)
    )
    return db.execute(statement).first() is not None


def current(db: Session, card_id: int) -> OneTimeSecret | None:
    """The confirmed secret of a card."""
    return db.scalars(_of(card_id).where(OneTimeSecret.confirmed_at.is_not(None))).first()


def _of(card_id: int) -> Select[OneTimeSecret]:
    mine = select(OneTimeSecret).where(OneTimeSecret.card_id == card_id, OneTimeSecret.withdrawn_at.is_(None))
    return mine.order_by(OneTimeSecret.id.desc()).limit(1)


def _waiting(db: Session, card_id: int) -> OneTimeSecret | None:
    """The secret that was offered and not confirmed."""
    return db.scalars(_of(card_id).where(OneTimeSecret.confirmed_at.is_(None))).first()


def opened(vault: Vault, secret: OneTimeSecret | None) -> str | None:
    """The secret in the clear, as base32."""
    return None if secret is None else vault.open(secret.sealed, purpose=Purpose.TOTP_SECRET).decode()


def offer(db: Session, card: Card, *, vault: Vault, chance: Chance, service: str, now: datetime) -> TotpOffer:
    """The secret that waits for its first code: the same until it is confirmed, since an app may hold it already.

    The caller lets one offer of a card through at a time.
    """
    waiting = _waiting(db, card.id)
    secret = opened(vault, waiting) or base64.b32encode(chance.bytes(20)).decode()
    if waiting is None:
        sealed = vault.seal(secret.encode(), purpose=Purpose.TOTP_SECRET)
        db.add(
            OneTimeSecret(
                card_id=card.id, practitioner_id=card.practitioner_id, sealed=sealed, last_step=-1, name="",
                added_at=now,
            )
        )  # fmt: skip
    uri = pyotp.TOTP(secret).provisioning_uri(name="e-CPS", issuer_name=service)
    return TotpOffer(uri, secret, qr.svg(uri))


def confirm(db: Session, card: Card, typed: str, *, vault: Vault, now: datetime) -> int | None:
    """Take the offered secret into use with its first code, which is thereby used up; the secret's id, or None.

    A secret confirmed before is withdrawn: one app at a time. The caller lets one confirmation through at a time.
    """
    code = tidy(typed)
    waiting = _waiting(db, card.id)
    step = matching_step(opened(vault, waiting), code, now=now) if code else None
    if waiting is None or step is None:
        return None
    waiting.confirmed_at, waiting.last_step = now, step
    db.execute(
        update(OneTimeSecret)
        .where(OneTimeSecret.card_id == card.id, OneTimeSecret.id != waiting.id)
        .values(withdrawn_at=now)
        .execution_options(synchronize_session=False)
    )
    return waiting.id
