"""Phone approval, seen from the computer: ask, wait, collect. `approval_phone` and `approval_proof` are the other side.

    pending ──number typed or QR scanned──→ matched ──passkey or e-CPS code──→ approved ──→ collected
       └──────────────┴──→ refused · expired · killed · replaced

One request per person waits at a time; each end is final and one wins. A number that nobody bears, a person
without a phone or stopped gets a decoy: the same page, and nobody can answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication, Level
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest, same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import (
    approval_asks,
    approval_codes,
    attempts,
    card,
    familiar,
    names,
    notices,
    qr,
    sign_in,
)
from pro_sante_connect.ecps.approval_phone import PhoneView, confirm_scan, phone_view, refuse, scan, submit_number
from pro_sante_connect.ecps.approval_proof import approve_with_code, approve_with_passkey, start_proof
from pro_sante_connect.ecps.approval_rows import OPEN
from pro_sante_connect.ecps.models import (
    APPROVED,
    COLLECTED,
    EXPIRED,
    PENDING,
    Approval,
    Phone,
)  # fmt: skip
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.identifiers import parse_typed

__all__ = [
    "DesktopView", "PhoneView", "approve_with_code", "approve_with_passkey", "collect", "confirm_scan",
    "desktop_view", "phone_view", "refuse", "scan", "start", "start_proof", "submit_number",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DesktopView:
    """What the waiting page shows. Number and QR code only while the number is awaited; of a quiet request the QR
    code alone, since no phone shows where to type the number."""

    state: str
    number: str
    qr_link: str
    qr_svg: str
    seconds_left: int


def start(
    dep: Deployment, *, typed: str, browser: str, service: str, device: str, origin: Origin, familiar_cookie: str = ""
) -> str:
    """Ask the person's phone; the id of the request. Refuses `approvals-paused` (minutes) to one who asks too often
    or too soon; an earlier request of the same person is replaced."""
    now = dep.clock.now()
    person = attempts.person_of(typed)
    request = Approval(
        id=approval_codes.new_id(dep.vault, chance=dep.chance), person=person, browser_digest=digest(browser),
        state=PENDING, compatible=dep.settings.policy.compatible_approval, service=names.of_means(service),
        device=names.of_means(device), asked_at=now,
        expires_at=now + timedelta(seconds=dep.settings.lifetimes.approval),
    )  # fmt: skip
    known = familiar.browser(dep.vault, familiar_cookie, person)
    with writing(dep.engine) as db:
        attempts.one_at_a_time(db, "approvals", person, now=now)
        answerer = _answerer(db, typed, now=now)
        paused = approval_asks.admit(db, request, familiar=known, address=origin.address, now=now)
        if paused is None:
            request.practitioner_id = answerer
            db.add(request)
            subject = notices.NOBODY if answerer is None else registry.subject(answerer)
            journal.record(db, Event.APPROVAL_ASKED, subject, now=now, origin=origin, service=service)
        else:
            notices.refused(db, answerer, means="phone", reason=paused.code, origin=origin, now=now)
    if paused is not None:
        raise paused
    return request.id


def _answerer(db: Session, typed: str, *, now: datetime) -> int | None:
    """Whose phone may answer: known, entitled, with a usable card and a phone."""
    try:
        found = registry.find(db, parse_typed(typed))
    except Refusal:
        return None
    if found is None or not card.entitled(db, found.id, now=now):
        return None
    usable = card.usable(db, found.id, now=now)
    if usable is None:
        return None
    phone = db.scalars(
        select(Phone.id).where(Phone.card_id == usable.id, Phone.withdrawn_at.is_(None)).limit(1)
    ).first()
    return None if phone is None else found.id


def desktop_view(dep: Deployment, approval_id: str, *, browser: str) -> DesktopView:
    """What to show now; refuses `approval-unknown` to every browser but the one that asked."""
    now = dep.clock.now()
    with reading(dep.engine) as db:
        waiting = _mine(db, approval_id, browser)
    state = _state(waiting, now=now)
    left = max(0, -int(-(waiting.expires_at - now).total_seconds() // 1)) if state in OPEN else 0
    if state != PENDING:
        return DesktopView(state, "", "", "", left)
    token = approval_codes.qr_token(dep.vault, approval_id, now=now)
    link = f"{dep.settings.issuer.wallet_base}{approval_codes.SCAN_PATH}{token}"
    number = "" if waiting.quiet else approval_codes.number(dep.vault, approval_id, compatible=waiting.compatible)
    return DesktopView(state, number, link, qr.svg(link), left)


def _mine(db: Session, approval_id: str, browser: str) -> Approval:
    found = db.get(Approval, approval_id)
    if found is None or not same(found.browser_digest, digest(browser)):
        raise Refusal("approval-unknown")
    return found


def _state(waiting: Approval, *, now: datetime) -> str:
    late = waiting.expires_at <= now and waiting.state in (*OPEN, APPROVED)
    return EXPIRED if late else waiting.state


def collect(dep: Deployment, approval_id: str, *, browser: str, origin: Origin) -> Authentication:
    """Turn an approved request into its one authentication, in the browser that asked.

    Refuses `approval-unknown`, `approval-<state>` while it is anything but approved, or as `conclude` does.
    """
    now = dep.clock.now()
    with writing(dep.engine) as db:
        taken = db.execute(
            update(Approval)
            .where(
                Approval.id == approval_id,
                Approval.browser_digest == digest(browser),
                Approval.state == APPROVED,
                Approval.expires_at > now,
            )
            .values(state=COLLECTED, ended_at=now)
            .returning(
                Approval.practitioner_id,
                Approval.phone_id,
                Approval.methods,
                Approval.level,
                Approval.person,
                Approval.asker,
            )
            .execution_options(synchronize_session=False)
        ).first()
        if taken is None:
            raise Refusal(f"approval-{_state(_mine(db, approval_id, browser), now=now)}")
        approval_asks.forget(db, taken.person, taken.asker)
        outcome = sign_in.conclude(
            db, taken.practitioner_id, means=f"phone:{taken.phone_id}", methods=tuple(taken.methods),
            level=Level(taken.level), origin=origin, now=now,
        )  # fmt: skip
    return sign_in.settle(outcome)
