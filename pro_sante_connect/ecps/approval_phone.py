"""Phone approval, seen from the phone: the waiting request, its number or QR code, "not me".

Another person's request does not exist here: `approval-unknown`, and an event in the journal.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import approval_codes, approval_rows, attempts, notices
from pro_sante_connect.ecps.attempts import Way
from pro_sante_connect.ecps.models import KILLED, MATCHED, PENDING, REFUSED, Approval, Phone
from pro_sante_connect.rpps import registry


@dataclass(frozen=True, slots=True)
class PhoneView:
    """What the phone shows: who asks, from where, when. The number is not in it."""

    id: str
    service: str
    device: str
    asked_at: datetime
    seconds_left: int
    matched: bool
    choices: list[str]
    tries_left: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """A request whose QR code the phone has scanned, and what it hands back to confirm."""

    view: PhoneView
    proof: str


def phone_view(db: Session, phone: Phone, *, dep: Deployment) -> PhoneView | None:
    """The request that waits for this phone's person, if any."""
    now = dep.clock.now()
    waiting = db.scalars(
        select(Approval).where(
            Approval.practitioner_id == phone.practitioner_id,
            Approval.state.in_(approval_rows.OPEN),
            Approval.expires_at > now,
            # A quiet request comes by its QR code, or not at all.
            Approval.quiet.is_(False) | (Approval.state == MATCHED),
        )
    ).first()
    return None if waiting is None else _view(dep, waiting, now=now)


def _view(dep: Deployment, waiting: Approval, *, now: datetime) -> PhoneView:
    matched = waiting.state == MATCHED
    offered = waiting.compatible and not matched
    return PhoneView(
        id=waiting.id, service=waiting.service, device=waiting.device, asked_at=waiting.asked_at,
        seconds_left=-int(-(waiting.expires_at - now).total_seconds() // 1), matched=matched,
        choices=approval_codes.choices(dep.vault, waiting.id) if offered else [],
        tries_left=approval_codes.most_tries(compatible=waiting.compatible) - waiting.tries,
    )  # fmt: skip


def submit_number(dep: Deployment, phone_token: str, approval_id: str, number: str, *, origin: Origin) -> None:
    """The number typed (or picked) on the phone. Refuses `number-wrong` (tries_left), `approval-killed`,
    `approvals-paused` (minutes), `approval-unknown`, `approval-closed`."""
    asked = approval_rows.addressed(dep, phone_token, approval_id, (PENDING,), origin=origin)
    reserved = attempts.reserve(
        dep, asked.person, Way.PHONE, paused="approvals-paused", bearer=asked.practitioner_id, origin=origin
    )
    now = dep.clock.now()
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        refusal = _try(dep, db, phone, asked, number)
        if refusal is not None and refusal.code == "approval-killed":
            _tell_refused(db, phone, reason="wrong number", origin=origin, now=now)
        if refusal is not None and reserved.number == attempts.LIMIT:
            notices.disabled(db, phone.practitioner_id, Way.PHONE.value, origin=origin, now=now)
    if refusal is not None:
        raise refusal


def _try(dep: Deployment, db: Session, phone: Phone, asked: Approval, number: str) -> Refusal | None:
    """Count the try on the request, which holds its row, then compare."""
    now = dep.clock.now()
    most = approval_codes.most_tries(compatible=asked.compatible)
    tried = db.execute(
        update(Approval)
        .where(*approval_rows.waiting(phone, asked.id, (PENDING,), now=now), Approval.tries < most)
        .values(tries=Approval.tries + 1)
        .returning(Approval.tries)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if tried is None:
        return Refusal("approval-closed")
    expected = approval_codes.number(dep.vault, asked.id, compatible=asked.compatible)
    if same(number.replace(" ", ""), expected):
        approval_rows.turn(db, phone, asked.id, (PENDING,), now=now, state=MATCHED)
        return None
    if tried < most:
        return Refusal("number-wrong", tries_left=most - tried)
    approval_rows.turn(db, phone, asked.id, (PENDING,), now=now, state=KILLED, ended_at=now)
    return Refusal("approval-killed")


def scan(dep: Deployment, phone_token: str, qr_token: str, *, origin: Origin) -> Scanned:
    """The QR code scanned with the phone: what the person is asked to confirm. Nothing changes yet, since any page
    can make a browser open an address. Refuses `qr-expired`, `approval-unknown`, `approval-closed`."""
    now = dep.clock.now()
    approval_id = approval_codes.scanned(dep.vault, qr_token, now=now)
    if approval_id is None:
        raise Refusal("qr-expired")
    asked = approval_rows.addressed(dep, phone_token, approval_id, (PENDING,), origin=origin)
    return Scanned(_view(dep, asked, now=now), approval_codes.scan_proof(dep.vault, approval_id, phone_token))


def confirm_scan(dep: Deployment, phone_token: str, approval_id: str, proof: str, *, origin: Origin) -> None:
    """The person said yes: the scan stands for the typed number. Refuses `qr-expired`, `approval-unknown`,
    `approval-closed`."""
    if not same(proof, approval_codes.scan_proof(dep.vault, approval_id, phone_token)):
        raise Refusal("qr-expired")
    approval_rows.addressed(dep, phone_token, approval_id, (PENDING,), origin=origin)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        if not approval_rows.turn(db, phone, approval_id, (PENDING,), now=now, state=MATCHED):
            raise Refusal("approval-closed")


def refuse(dep: Deployment, phone_token: str, approval_id: str, *, origin: Origin) -> None:
    """Not me: the request is over at once and the person is told; refuses `approval-closed`,
    `approval-unknown`."""
    approval_rows.addressed(dep, phone_token, approval_id, approval_rows.OPEN, origin=origin)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        phone = approval_rows.phone_of(db, phone_token, now=now)
        if not approval_rows.turn(db, phone, approval_id, approval_rows.OPEN, now=now, state=REFUSED, ended_at=now):
            raise Refusal("approval-closed")
        _tell_refused(db, phone, reason="refused on the phone", origin=origin, now=now)


def _tell_refused(db: Session, phone: Phone, *, reason: str, origin: Origin, now: datetime) -> None:
    subject = registry.subject(phone.practitioner_id)
    journal.record(
        db, Event.APPROVAL_REFUSED, subject, now=now, origin=origin, means=f"phone:{phone.id}", reason=reason
    )
    notices.tell(db, phone.practitioner_id, "approval-refused", now=now)
