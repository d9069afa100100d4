"""A person to write to, and notes to send."""

import json
from typing import Any

from pro_sante_connect.core import outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.rpps.models import Practitioner
from tests.world import World


def practitioner(world: World, number: int = 1, *, email: str = "camille@personnes.example") -> int:
    """Somebody who may sign in."""
    national = f"89980000{number:04d}"
    with writing(world.engine) as db:
        person = Practitioner(
            national_id=national, id_type="8", identifier=national[1:], origin="extract", civility="MME",
            family_name="DUPRÉ", given_name="Camille", folded_name="DUPRE CAMILLE", digest="d",
            dossier=json.dumps({"exercices": []}), present_since=world.now, contact_email=email, changed_at=world.now,
        )  # fmt: skip
        db.add(person)
        db.flush()
        return person.id


def note(world: World, topic: str, subject: str, **facts: Any) -> None:
    """One note, due now."""
    with writing(world.engine) as db:
        outbox.write(db, topic, subject, now=world.now, facts=facts)


def message(world: World, *, sealed: dict[str, str] | None = None, **facts: Any) -> None:
    """A mail to Camille."""
    envelope = {"channel": "mail", "to": "camille@personnes.example", "template": "card-withdrawn", "language": "en"}
    vault, purpose = world.dep.vault, Purpose.OUTBOX_NOTE
    hidden = None if sealed is None else vault.seal(json.dumps(sealed).encode(), purpose=purpose)
    with writing(world.engine) as db:
        outbox.write(db, "message:send", "practitioner:1", now=world.now, facts=envelope | facts, sealed=hidden)


def notes(world: World) -> list[OutboxNote]:
    """All notes, oldest first."""
    with reading(world.engine) as db:
        return list(db.query(OutboxNote).order_by(OutboxNote.id))
