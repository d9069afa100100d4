"""Sign in with the e-CPS code and a one-time code, both at once; the answer never says which was wrong."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.ecps import attempts, card, familiar, levels, notices, totp
from pro_sante_connect.ecps import pin as card_code
from pro_sante_connect.ecps.attempts import Reserved, Way
from pro_sante_connect.ecps.sign_in import Outcome, conclude, settle
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.identifiers import parse_typed


@dataclass(frozen=True, slots=True)
class _Expected:
    """What codes are measured by; nothing for a number that nobody bears, or without card or app."""

    practitioner_id: int | None = None
    card_id: int = 0
    pin: bytes | None = None
    secret_id: int = 0
    sealed: bytes | None = None


def sign_in(
    dep: Deployment, *, typed: str, pin: str, otp: str, origin: Origin, familiar_cookie: str = ""
) -> Authentication:
    """Refuses `codes-refused` (tries_left) and `codes-paused` (minutes), the same for a number nobody bears;
    after right codes, as `sign_in.conclude` does."""
    person = attempts.person_of(typed)
    now = dep.clock.now()
    with reading(dep.engine) as db:
        expected = _expected(db, typed, now=now)
    reserved = attempts.reserve(
        dep, person, Way.CODES, paused="codes-paused", bearer=expected.practitioner_id,
        browser=familiar.browser(dep.vault, familiar_cookie, person), origin=origin,
    )  # fmt: skip
    step = _matching_step(dep, expected, pin=pin, otp=otp, now=now)
    with writing(dep.engine) as db:
        if step is not None and totp.spend(db, expected.secret_id, step, now=now):
            outcome = _conclude(dep, db, expected, reserved, origin=origin)
        else:
            outcome = _refused(db, expected, reserved, origin=origin, now=now)
    return settle(outcome)


def _expected(db: Session, typed: str, *, now: datetime) -> _Expected:
    try:
        found = registry.find(db, parse_typed(typed))
    except Refusal:
        found = None
    if found is None:
        return _Expected()
    held = card.usable(db, found.id, now=now)
    secret = None if held is None else totp.current(db, held.id)
    if held is None or secret is None:
        return _Expected(found.id)
    return _Expected(found.id, held.id, held.pin, secret.id, secret.sealed)


def _matching_step(dep: Deployment, expected: _Expected, *, pin: str, otp: str, now: datetime) -> int | None:
    """The one-time code's step when both codes are right. Malformed input is refused without the slow hash."""
    chosen, six = card_code.tidy(pin), totp.tidy(otp)
    if chosen is None or six is None:
        return None
    right = card_code.matches(dep.vault, expected.pin, chosen)
    sealed, purpose = expected.sealed, Purpose.TOTP_SECRET
    secret = None if sealed is None else dep.vault.open(sealed, purpose=purpose).decode()
    step = totp.matching_step(secret, six, now=now)
    return step if right else None


def _conclude(dep: Deployment, db: Session, expected: _Expected, reserved: Reserved, *, origin: Origin) -> Outcome:
    now = dep.clock.now()
    assert expected.practitioner_id is not None  # noqa: S101 - only a bearer's secret has a step to spend
    if attempts.forgive(db, reserved) >= attempts.QUICK:
        notices.tell(db, expected.practitioner_id, "sign-in-after-failures", now=now)
    card.count_pin(db, expected.card_id, now=now)
    grade = levels.of_codes(dep.settings.policy)
    return conclude(
        db, expected.practitioner_id, means=f"totp:{expected.secret_id}", methods=grade.methods,
        level=grade.level, origin=origin, now=now,
    )  # fmt: skip


def _refused(db: Session, expected: _Expected, reserved: Reserved, *, origin: Origin, now: datetime) -> Refusal:
    refusal = attempts.failed(reserved, refused="codes-refused", paused="codes-paused")
    notices.refused(db, expected.practitioner_id, means="codes", reason=refusal.code, origin=origin, now=now)
    if reserved.number == attempts.LIMIT and expected.practitioner_id is not None:
        notices.disabled(db, expected.practitioner_id, Way.CODES.value, origin=origin, now=now)
    return refusal
