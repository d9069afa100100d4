"""Sign in with the e-CPS code and a one-time code: two factors in one form, no JavaScript needed.

The same work and the same answers for a number that nobody bears.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, card, levels, notices, pin, sign_in, totp
from pro_sante_connect.ecps.attempts import Way
from pro_sante_connect.ecps.models import Card
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.identifiers import parse_typed

REFUSED, PAUSED = "codes-refused", "codes-paused"


@dataclass(frozen=True, slots=True)
class _Held:
    """What the person's card holds; all empty for nobody."""

    practitioner_id: int | None = None
    card_id: int = 0
    pin: bytes | None = None
    secret_id: int = 0
    secret: str | None = None


def sign_in_with_codes(dep: Deployment, *, typed: str, code: str, otp: str, origin: Origin) -> Authentication:
    """Both codes right, once; refuses `codes-refused` (tries_left), `codes-paused` (minutes), `sign-in-stopped`."""
    person = attempts.person_of(typed)
    reserved = attempts.reserve(dep, person, Way.CODES, paused=PAUSED)
    with reading(dep.engine) as db:
        held = _held(db, dep, typed)
    now = dep.clock.now()
    known = pin.matches(dep.vault, held.pin, pin.tidy(code) or "")
    step = totp.matching_step(held.secret, totp.tidy(otp) or "", now=now)
    with writing(dep.engine) as db:
        if not (known and step is not None and totp.spend(db, held.secret_id, step, now=now)):
            outcome: sign_in.Outcome = attempts.failed(reserved, refused=REFUSED, paused=PAUSED)
            notices.refused(db, held.practitioner_id, means="codes", reason=REFUSED, origin=origin, now=now)
        else:
            attempts.forgive(db, person, Way.CODES)
            outcome = _conclude(db, dep, held, origin=origin, now=now)
    return sign_in.settle(outcome)


def _held(db: Session, dep: Deployment, typed: str) -> _Held:
    try:
        found = registry.find(db, parse_typed(typed))
    except Refusal:
        found = None
    mine = None if found is None else card.usable(db, found.id, now=dep.clock.now())
    if mine is None:
        return _Held()
    secret = totp.current(db, mine.id)
    return _Held(mine.practitioner_id, mine.id, mine.pin, secret.id if secret else 0, totp.opened(dep.vault, secret))


def _conclude(db: Session, dep: Deployment, held: _Held, *, origin: Origin, now: datetime) -> sign_in.Outcome:
    grade = levels.of_codes(dep.settings.policy)
    used = update(Card).where(Card.id == held.card_id).values(pin_used_at=now, pin_uses=Card.pin_uses + 1)
    db.execute(used.execution_options(synchronize_session=False))
    return sign_in.conclude(
        db, held.practitioner_id or 0, means=f"totp:{held.secret_id}", methods=grade.methods, level=grade.level,
        origin=origin, now=now,
    )  # fmt: skip
