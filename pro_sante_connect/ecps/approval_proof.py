"""Phone approval, the proof: a matched request is approved with a user-verified passkey or the e-CPS code."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import (
    approval_rows,
    attempts,
    card,
    ceremonies,
    levels,
    notices,
    options,
    passkey_proof,
    pin,
    sign_in,
)  # fmt: skip
from pro_sante_connect.ecps.attempts import Way
from pro_sante_connect.ecps.ceremonies import Kind
from pro_sante_connect.ecps.levels import Grade
from pro_sante_connect.ecps.models import APPROVED, MATCHED, Approval, Phone
from pro_sante_connect.rpps import registry

COLLECTING = timedelta(seconds=60)
"""How long the computer may take to collect what was approved at the last second."""


def start_proof(dep: Deployment, phone_token: str, approval_id: str) -> dict[str, Any]:
    """Options for `navigator.credentials.get` on the phone, once the number is matched; refuses
    `approval-closed`, `passkey-missing`."""
    now = dep.clock.now()
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        matched = db.scalars(
            select(Approval.id).where(*approval_rows.waiting(phone, approval_id, (MATCHED,), now=now))
        ).first()
        if matched is None:
            raise Refusal("approval-closed")
        keys = passkey_proof.live(db, phone.practitioner_id)
        if not keys:
            raise Refusal("passkey-missing")
        challenge = ceremonies.begin(
            db, Kind.APPROVAL, binding=_binding(phone_token, approval_id),
            practitioner_id=phone.practitioner_id, chance=dep.chance, now=now,
        )  # fmt: skip
    return options.request(dep, challenge, passkey_proof.allowed(keys))


def approve_with_passkey(
    dep: Deployment, phone_token: str, approval_id: str, credential: str, *, ended: card.Ended, origin: Origin
) -> None:
    """Approve with the phone's user-verified passkey; refuses `passkey-refused`, `passkey-set-aside`,
    `approval-closed`, `approval-unknown`, `sign-in-stopped`, `card-expired`."""
    approval_rows.addressed(dep, phone_token, approval_id, (MATCHED,), origin=origin)
    binding = _binding(phone_token, approval_id)
    proof = passkey_proof.prove(dep, Kind.APPROVAL, binding=binding, credential=credential, origin=origin)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        refusal = passkey_proof.use(db, proof, ended=ended, origin=origin, now=now)
        if refusal is None:
            grade = levels.of_passkey(dep.settings.policy, synced=proof.synced, most=proof.bound_level)
            refusal = _approve(dep, db, phone, approval_id, grade, origin=origin)
    if refusal is not None:
        raise refusal


def approve_with_code(dep: Deployment, phone_token: str, approval_id: str, code: str, *, origin: Origin) -> None:
    """Approve with the e-CPS code; refuses `pin-wrong` (tries_left), `pin-paused` (minutes), and as above."""
    asked = approval_rows.addressed(dep, phone_token, approval_id, (MATCHED,), origin=origin)
    person = asked.person
    reserved = attempts.reserve(dep, person, Way.PIN, paused="pin-paused", bearer=asked.practitioner_id, origin=origin)
    now = dep.clock.now()
    with reading(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        sealed = card.required(db, phone.practitioner_id, now=now).pin
    right = pin.matches(dep.vault, sealed, pin.tidy(code) or "")
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        if right:
            attempts.forgive(db, reserved)
            card.count_pin(db, phone.card_id, now=now)
            refusal = _approve(dep, db, phone, approval_id, levels.PIN_ON_PHONE, origin=origin)
        else:
            refusal = attempts.failed(reserved, refused="pin-wrong", paused="pin-paused")
            notices.refused(db, phone.practitioner_id, means="pin", reason=refusal.code, origin=origin, now=now)
            if reserved.number == attempts.LIMIT:
                notices.disabled(db, phone.practitioner_id, Way.PIN.value, origin=origin, now=now)
    if refusal is not None:
        raise refusal


def _approve(
    dep: Deployment, db: Session, phone: Phone, approval_id: str, proof: Grade, *, origin: Origin
) -> Refusal | None:
    """The proof was given; the registry is asked once more, then matched becomes approved, once."""
    now = dep.clock.now()
    waiting = approval_rows.waiting(phone, approval_id, (MATCHED,), now=now)
    stopped = sign_in.stopped(db, phone.practitioner_id, now=now)
    if stopped is not None:
        card.kill_approvals(db, phone.practitioner_id, now=now)
        means = f"phone:{phone.id}"
        notices.refused(db, phone.practitioner_id, means=means, reason=stopped.code, origin=origin, now=now)
        return stopped
    compatible = db.scalars(select(Approval.compatible).where(*waiting)).first()
    grade = levels.of_approval(dep.settings.policy, proof, compatible=bool(compatible))
    approved = approval_rows.turn(
        db, phone, approval_id, (MATCHED,), now=now, state=APPROVED, phone_id=phone.id,
        methods=list(grade.methods), level=grade.level.value, expires_at=now + COLLECTING,
    )  # fmt: skip
    if not approved:
        return Refusal("approval-closed")
    person = db.scalars(select(Approval.person).where(Approval.id == approval_id)).one()
    attempts.forgive(db, attempts.Reserved(person, Way.PHONE, 0))
    db.execute(update(Phone).where(Phone.id == phone.id).values(last_used_at=now, uses=Phone.uses + 1))
    subject = registry.subject(phone.practitioner_id)
    journal.record(db, Event.APPROVAL_GRANTED, subject, now=now, origin=origin, means=f"phone:{phone.id}")
    return None


def _binding(phone_token: str, approval_id: str) -> str:
    return f"approval:{approval_id}:{phone_token}"
