"""Activation by two codes, one by mail and one by text message, to the addresses the registry holds.

Whoever types a number hears the same, whether codes were sent or not.
"""

from datetime import timedelta

import orjson
from sqlalchemy import update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest, keyed, same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.ecps import attempts, card, ceremonies, notices
from pro_sante_connect.ecps.models import (
    ABANDONED,
    ASKED,
    CLOSED,
    ENROLLING,
    VERIFIED,
    Activation,
    Card,
)  # fmt: skip
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.identifiers import parse_typed
from pro_sante_connect.rpps.models import Practitioner

TRIES = 5
ASKS, ASK_WINDOW = 5, timedelta(hours=1)


def ask(dep: Deployment, typed: str, *, language: str, origin: Origin) -> None:
    """Send both codes in the page's language, or nothing: unknown, without contact, not entitled, asked too often, or
    too soon after a change of contact: whoever held the former one must be able to say no first.

    Refuses only `activation-throttled`, for the address it is asked from.
    """
    _throttle(dep, "activation", origin)
    now = dep.clock.now()
    mail, sms = dep.chance.letters(12), dep.chance.digits(6)
    sealed = [
        dep.vault.seal(orjson.dumps({"code": code}), purpose=Purpose.OUTBOX_NOTE) for code in (_spaced(mail), sms)
    ]
    lifetime = dep.settings.lifetimes.activation
    with writing(dep.engine) as db:
        allowed = attempts.within(db, "activation", attempts.person_of(typed), limit=ASKS, window=ASK_WINDOW, now=now)
        person = _reachable(dep, db, typed)
        subject = notices.NOBODY if person is None else registry.subject(person.id)
        if not allowed:
            journal.record(db, Event.ACTIVATION_REFUSED, subject, now=now, origin=origin, reason="asked-too-often")
            return
        journal.record(db, Event.ACTIVATION_ASKED, subject, now=now, origin=origin)
        if person is None:
            return
        db.add(
            Activation(
                practitioner_id=person.id, state=ASKED, mail_digest=digest(mail),
                sms_digest=_sms_digests(dep, sms)[0], asked_at=now, expires_at=now + timedelta(seconds=lifetime),
            )
        )  # fmt: skip
        for channel, to, letter in zip(
            ("mail", "sms"), (person.contact_email, person.contact_phone), sealed, strict=True
        ):
            notices.send(
                db, person.id, f"activation-{channel}", channel=channel, to=to, language=language, now=now,
                sealed=letter, minutes=lifetime // 60,
            )  # fmt: skip


def _throttle(dep: Deployment, purpose: str, origin: Origin) -> None:
    attempts.by_address(dep, purpose, event=Event.ACTIVATION_REFUSED, refused="activation-throttled", origin=origin)


def _spaced(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def _sms_digests(dep: Deployment, code: str) -> list[str]:
    """Keyed: six digits would not survive a plain digest. By every root secret, the active one first."""
    return [keyed(key, code).hex() for key in dep.vault.derive_all("activation")]


def _reachable(dep: Deployment, db: Session, typed: str) -> Practitioner | None:
    try:
        person = registry.find(db, parse_typed(typed))
    except Refusal:
        return None
    if person is None or not person.contact_email or not person.contact_phone:
        return None
    now, wait = dep.clock.now(), timedelta(seconds=dep.settings.lifetimes.contact_wait)
    if person.contact_changed_at is not None and now < person.contact_changed_at + wait:
        return None
    return person if card.entitled(db, person.id, now=now) else None


def verify(dep: Deployment, *, mail_code: str, sms_code: str, language: str, origin: Origin) -> str:
    """Both codes open the enrolment, once: its token for this browser. The new card keeps the page's language.

    Refuses `activation-refused` whatever is wrong, `activation-throttled` for an address with too many tries.
    """
    _throttle(dep, "activation-codes", origin)
    mail = "".join(letter for letter in mail_code.upper() if letter not in " -")
    found = _try(dep, mail)
    typed = _sms_digests(dep, sms_code.replace(" ", ""))
    right = found is not None and any([same(found[1], digested) for digested in typed])
    token = dep.chance.token(32)
    with writing(dep.engine) as db:
        opened = found is not None and right and _open(dep, db, found[0], token, language=language)
        if not opened:
            subject = notices.NOBODY if found is None else registry.subject(found[2])
            journal.record(db, Event.ACTIVATION_REFUSED, subject, now=dep.clock.now(), origin=origin)
    if not opened:
        raise Refusal("activation-refused")
    return token


def _try(dep: Deployment, mail: str) -> tuple[int, str, int] | None:
    """Count one try on the activation this mail code names, and commit; None when it takes no more."""
    with writing(dep.engine) as db:
        row = db.execute(
            update(Activation)
            .where(
                Activation.mail_digest == digest(mail),
                Activation.state == ASKED,
                Activation.tries < TRIES,
                Activation.expires_at > dep.clock.now(),
            )
            .values(tries=Activation.tries + 1)
            .returning(Activation.id, Activation.sms_digest, Activation.practitioner_id)
            .execution_options(synchronize_session=False)
        ).first()
    return None if row is None else (row[0], row[1], row[2])


def _open(dep: Deployment, db: Session, activation_id: int, token: str, *, language: str) -> bool:
    """Take the activation, once; other codes of the person and enrolments under way are closed."""
    now = dep.clock.now()
    expires_at = now + timedelta(seconds=dep.settings.lifetimes.interaction)
    practitioner_id = db.execute(
        update(Activation)
        .where(Activation.id == activation_id, Activation.state == ASKED)
        .values(state=VERIFIED, token_digest=digest(token), expires_at=expires_at)
        .returning(Activation.practitioner_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if practitioner_id is None or not card.entitled(db, practitioner_id, now=now):
        return False
    card.hold(db, practitioner_id)
    _close_others(db, practitioner_id, activation_id)
    fresh = _blank_card(dep, db, practitioner_id, language=language)
    db.execute(
        update(Activation)
        .where(Activation.id == activation_id)
        .values(card_id=fresh.id)
        .execution_options(synchronize_session=False)
    )
    return True


def _close_others(db: Session, practitioner_id: int, activation_id: int) -> None:
    db.execute(
        update(Activation)
        .where(
            Activation.practitioner_id == practitioner_id,
            Activation.id != activation_id,
            Activation.state.in_((ASKED, VERIFIED)),
        )
        .values(state=CLOSED)
        .execution_options(synchronize_session=False)
    )
    db.execute(
        update(Card)
        .where(Card.practitioner_id == practitioner_id, Card.state == ENROLLING)
        .values(state=ABANDONED)
        .execution_options(synchronize_session=False)
    )


def _blank_card(dep: Deployment, db: Session, practitioner_id: int, *, language: str) -> Card:
    """A card under enrolment. The user handle outlives cards: a new passkey then replaces the old on its device."""
    now = dep.clock.now()
    former = db.query(Card.holder).filter_by(practitioner_id=practitioner_id).order_by(Card.id.desc()).first()
    holder = ceremonies.encoded(dep.chance.bytes(32)) if former is None else str(former[0])
    blank = Card(
        practitioner_id=practitioner_id, holder=holder, state=ENROLLING, language=language, pin_uses=0,
        made_at=now, expires_at=now + timedelta(seconds=dep.settings.lifetimes.card),
    )  # fmt: skip
    db.add(blank)
    db.flush()
    return blank
