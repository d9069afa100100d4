"""Enrolment, step by step: e-CPS code → passkey → one-time codes → done. Steps are facts in the row.

    CODE ──choose_code──→ PASSKEY ──finish_passkey / skip_passkey──→ TOTP ──confirm_totp / skip_totp──→ DONE ──finish
Nothing bound to the card opens anything before `finish` makes it active, in one transaction with the end of
the former card.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, card, notices, passkey_proof, passkeys, phones, pin, totp
from pro_sante_connect.ecps.activation import ask, verify
from pro_sante_connect.ecps.models import ACTIVE, DONE, ENROLLING, REPLACED, VERIFIED, Activation, Card
from pro_sante_connect.ecps.totp import TotpOffer
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.models import Practitioner

__all__ = [
    "Enrolling", "Step", "TotpOffer", "ask", "choose_code", "confirm_totp", "finish", "finish_passkey",
    "progress", "skip_passkey", "skip_totp", "start_passkey", "start_totp", "verify",
]  # fmt: skip


class Step(StrEnum):
    """What the person does next."""

    CODE = "code"
    PASSKEY = "passkey"
    TOTP = "totp"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Enrolling:
    """An enrolment under way."""

    practitioner: Practitioner
    step: Step
    has_passkey: bool
    has_totp: bool


@dataclass(frozen=True, slots=True)
class _Current:
    """The row, its card, and where they stand."""

    activation: Activation
    card: Card
    view: Enrolling

    @property
    def practitioner_id(self) -> int:
        return self.card.practitioner_id


def progress(db: Session, token: str, *, now: datetime) -> Enrolling:
    """Where the enrolment of this browser stands; refuses `enrolment-expired`."""
    return _current(db, token, now=now).view


def _current(db: Session, token: str, *, now: datetime, step: Step | None = None) -> _Current:
    """The enrolment, at that step if one is given; refuses `enrolment-expired`, `enrolment-step`."""
    row = db.execute(
        select(Activation, Card)
        .join(Card, Card.id == Activation.card_id)
        .where(
            Activation.token_digest == digest(token),
            Activation.state == VERIFIED,
            Activation.expires_at > now,
            Card.state == ENROLLING,
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise Refusal("enrolment-expired")
    activation, target = row[0], row[1]
    view = Enrolling(
        registry.get(db, target.practitioner_id),
        _step(activation, target),
        bool(passkey_proof.of_card(db, target.id)),
        totp.current(db, target.id) is not None,
    )
    if step is not None and view.step is not step:
        raise Refusal("enrolment-step")
    return _Current(activation, target, view)


def _step(activation: Activation, target: Card) -> Step:
    if target.pin is None:
        return Step.CODE
    if not activation.passkey_passed:
        return Step.PASSKEY
    return Step.DONE if activation.totp_passed else Step.TOTP


def choose_code(dep: Deployment, token: str, code: str, *, origin: Origin) -> None:
    """Set the e-CPS code; refuses `pin-malformed`, `pin-weak`, `enrolment-step`, `enrolment-expired`."""
    now = dep.clock.now()
    with reading(dep.engine) as db:
        found = _current(db, token, now=now, step=Step.CODE)
    chosen = pin.choose(code, identifier=found.view.practitioner.national_id)
    sealed = pin.seal(dep.vault, chosen, chance=dep.chance)
    with writing(dep.engine) as db:
        found = _current(db, token, now=now, step=Step.CODE)
        found.card.pin = sealed
        _added(db, found, f"code:{found.card.id}", origin=origin, now=now)


def _added(db: Session, found: _Current, key: str, *, origin: Origin, now: datetime) -> None:
    """In the journal only: the person is told once, when the card becomes active."""
    subject = registry.subject(found.practitioner_id)
    journal.record(db, Event.MEANS_ADDED, subject, now=now, origin=origin, means=key)


def start_passkey(dep: Deployment, token: str) -> dict[str, Any]:
    """Options for `navigator.credentials.create`; refuses `enrolment-step`, `enrolment-expired`."""
    with reading(dep.engine) as db:
        found = _current(db, token, now=dep.clock.now(), step=Step.PASSKEY)
    return passkeys.begin_on(dep, found.card, binding=_binding(token))


def _binding(token: str) -> str:
    return f"enrolment:{token}"


def finish_passkey(dep: Deployment, token: str, credential: str, *, name: str, origin: Origin) -> None:
    """Keep the passkey; refuses `passkey-not-kept`, `passkey-known`, `enrolment-step`, `enrolment-expired`."""
    now = dep.clock.now()
    with reading(dep.engine) as db:
        found = _current(db, token, now=now, step=Step.PASSKEY)
    created, transports = passkeys.accept(dep, found.practitioner_id, binding=_binding(token), credential=credential)
    with writing(dep.engine) as db:
        found = _pass(db, token, Step.PASSKEY, now=now)
        key = passkeys.keep(db, found.card, created, transports=transports, name=name, now=now)
        _added(db, found, f"passkey:{key}", origin=origin, now=now)


def skip_passkey(dep: Deployment, token: str) -> None:
    """Go on without a passkey; refuses `enrolment-step`, `enrolment-expired`."""
    with writing(dep.engine) as db:
        _pass(db, token, Step.PASSKEY, now=dep.clock.now())


def _pass(db: Session, token: str, step: Step, *, now: datetime) -> _Current:
    """The step is behind us, once."""
    column = Activation.passkey_passed if step is Step.PASSKEY else Activation.totp_passed
    found = _current(db, token, now=now, step=step)
    passed = db.execute(
        update(Activation)
        .where(Activation.id == found.activation.id, Activation.state == VERIFIED, column.is_(False))
        .values({column.key: True})
        .returning(Activation.id)
        .execution_options(synchronize_session=False)
    ).first()
    if passed is None:
        raise Refusal("enrolment-step")
    return found


def start_totp(dep: Deployment, token: str) -> TotpOffer:
    """The secret for an authenticator app, the same at every look. Refuses `enrolment-step`,
    `enrolment-expired`."""
    now = dep.clock.now()
    service = dep.settings.appearance.service_name
    with writing(dep.engine) as db:
        found = _current(db, token, now=now, step=Step.TOTP)
        card.hold(db, found.practitioner_id)
        return totp.offer(db, found.card, vault=dep.vault, chance=dep.chance, service=service, now=now)


def confirm_totp(dep: Deployment, token: str, code: str, *, origin: Origin) -> None:
    """Take the app into use with its first code, which is thereby used up; refuses `otp-wrong`, `enrolment-step`,
    `enrolment-expired`."""
    now = dep.clock.now()
    with writing(dep.engine) as db:
        found = _pass(db, token, Step.TOTP, now=now)
        key = totp.confirm(db, found.card, code, vault=dep.vault, now=now)
        if key is None:
            raise Refusal("otp-wrong")
        _added(db, found, f"totp:{key}", origin=origin, now=now)


def skip_totp(dep: Deployment, token: str) -> None:
    """Go on without one-time codes; refuses `second-way-needed` without a passkey."""
    with writing(dep.engine) as db:
        found = _pass(db, token, Step.TOTP, now=dep.clock.now())
        if not found.view.has_passkey:
            raise Refusal("second-way-needed")


def finish(dep: Deployment, token: str, *, phone_name: str, ended: card.Ended, origin: Origin) -> str:
    """The card becomes active and this browser its phone: the phone's token. The former card ends with all its
    means and what they opened. Refuses `enrolment-step`, `enrolment-expired`."""
    now = dep.clock.now()
    with writing(dep.engine) as db:
        found = _current(db, token, now=now, step=Step.DONE)
        person = found.practitioner_id
        card.hold(db, person)
        _close(db, found)
        if not card.entitled(db, person, now=now):
            raise Refusal("enrolment-expired")
        card.end(db, person, state=REPLACED, ended=ended, origin=origin, now=now)
        _activate(dep, db, found)
        phone, phone_token = phones.add(db, found.card, name=phone_name, chance=dep.chance, now=now)
        _added(db, found, f"phone:{phone.id}", origin=origin, now=now)
        attempts.bound_anew(db, attempts.person_of(found.view.practitioner.national_id))
        subject = registry.subject(person)
        journal.record(db, Event.CARD_ACTIVATED, subject, now=now, origin=origin, card=found.card.id)
        notices.tell(db, person, "card-activated", now=now)
    return phone_token


def _close(db: Session, found: _Current) -> None:
    closed = db.execute(
        update(Activation)
        .where(Activation.id == found.activation.id, Activation.state == VERIFIED)
        .values(state=DONE)
        .returning(Activation.id)
        .execution_options(synchronize_session=False)
    ).first()
    if closed is None:
        raise Refusal("enrolment-expired")


def _activate(dep: Deployment, db: Session, found: _Current) -> None:
    now = dep.clock.now()
    db.execute(
        update(Card)
        .where(Card.id == found.card.id, Card.state == ENROLLING)
        .values(state=ACTIVE, made_at=now, expires_at=now + timedelta(seconds=dep.settings.lifetimes.card))
        .execution_options(synchronize_session=False)
    )
