"""A QR code that makes the browser which scans it a phone of the card: one use, 90 seconds."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import card, phones
from pro_sante_connect.ecps.models import Pairing
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.settings import Lifetimes


def issue(db: Session, practitioner: Practitioner, *, chance: Chance, now: datetime, lifetimes: Lifetimes) -> str:
    """A token for the QR code; refuses `card-expired` without a usable card."""
    target = card.required(db, practitioner.id, now=now)
    token = chance.token(32)
    db.add(
        Pairing(
            token_digest=digest(token), card_id=target.id, practitioner_id=practitioner.id,
            expires_at=now + timedelta(seconds=lifetimes.pairing),
        )
    )  # fmt: skip
    return token


def claim(dep: Deployment, token: str, *, phone_name: str, origin: Origin) -> str:
    """Spend the token; the phone's own token comes back. Refuses `pairing-refused` for anything else."""
    now = dep.clock.now()
    spent = (
        delete(Pairing)
        .where(Pairing.token_digest == digest(token), Pairing.expires_at > now)
        .returning(Pairing.practitioner_id, Pairing.card_id)
        .execution_options(synchronize_session=False)
    )
    with writing(dep.engine) as db:
        row = db.execute(spent).first()
        target = card.usable(db, row.practitioner_id, now=now) if row is not None else None
        if row is None or target is None or target.id != row.card_id:
            raise Refusal("pairing-refused")
        return phones.add(db, target, name=phone_name, origin=origin, chance=dep.chance, now=now)
