"""A QR code that makes one more browser a phone of the card: single use, 90 s."""

from datetime import datetime, timedelta

from sqlalchemy import Row, delete
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, card, notices, phones
from pro_sante_connect.ecps.models import Pairing
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.settings import Lifetimes


def issue(db: Session, practitioner: Practitioner, *, chance: Chance, now: datetime, lifetimes: Lifetimes) -> str:
    """A token for the QR code, in a session just opened with a means; refuses `card-expired`."""
    target = card.required(db, practitioner.id, now=now)
    token = chance.token(32)
    expires_at = now + timedelta(seconds=lifetimes.pairing)
    db.add(
        Pairing(
            token_digest=digest(token),
            card_id=target.id,
            practitioner_id=practitioner.id,
            expires_at=expires_at,
        )
    )
    return token


def claim(dep: Deployment, token: str, *, phone_name: str, origin: Origin) -> str:
    """Make this browser a phone: its token. Refuses `pairing-refused`, whatever the reason."""
    attempts.by_address(dep, "pairing", event=Event.PAIRING_REFUSED, refused="pairing-refused", origin=origin)
    now = dep.clock.now()
    with writing(dep.engine) as db:
        taken = db.execute(
            delete(Pairing)
            .where(Pairing.token_digest == digest(token), Pairing.expires_at > now)
            .returning(Pairing.practitioner_id, Pairing.card_id)
            .execution_options(synchronize_session=False)
        ).first()
        phone_token = None if taken is None else _add(dep, db, taken, name=phone_name, origin=origin)
        if phone_token is None:
            subject = notices.NOBODY if taken is None else registry.subject(taken[0])
            journal.record(db, Event.PAIRING_REFUSED, subject, now=now, origin=origin)
    if phone_token is None:
        raise Refusal("pairing-refused")
    return phone_token


def _add(dep: Deployment, db: Session, taken: Row[int, int], *, name: str, origin: Origin) -> str | None:
    now = dep.clock.now()
    practitioner_id, card_id = taken
    card.hold(db, practitioner_id)
    target = card.usable(db, practitioner_id, now=now)
    if target is None or target.id != card_id or not card.entitled(db, practitioner_id, now=now):
        return None
    phone, token = phones.add(db, target, name=name, chance=dep.chance, now=now)
    notices.means_changed(
        db, practitioner_id, Event.MEANS_ADDED, f"phone:{phone.id}", name=phone.name, origin=origin, now=now
    )
    return token
