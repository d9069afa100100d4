"""A person with an active card, for tests of the card's room."""

from dataclasses import dataclass
from datetime import timedelta

import pyotp

from pro_sante_connect.core.database import writing
from pro_sante_connect.ecps import pin, totp
from pro_sante_connect.ecps.models import ACTIVE, Card
from pro_sante_connect.rpps.models import Practitioner
from tests.world import World

NATIONAL_ID = "899820424051"
CODE = "7294"
DOSSIER = '{"civility":"","family_name":"ARROSOIR","given_name":"CHLOE","other_ids":[],"exercices":[]}'


@dataclass
class Holder:
    """Ids and secrets of that person."""

    world: World
    practitioner: int
    card: int
    secret: str

    def otp(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.world.now.timestamp()))


def make_holder(world: World) -> Holder:
    now, sealed = world.now, pin.seal(world.dep.vault, CODE, chance=world.chance)
    with writing(world.engine) as db:
        person = Practitioner(
            national_id=NATIONAL_ID, id_type="8", identifier=NATIONAL_ID[1:], origin="extract", civility="",
            family_name="ARROSOIR", given_name="CHLOE", folded_name="arrosoir chloe", bucket=1, digest="d",
            dossier=DOSSIER, present_since=now - timedelta(days=9), changed_at=now,
            contact_email="chloe@personnes.example",
        )  # fmt: skip
        db.add(person)
        db.flush()
        card = Card(
            practitioner_id=person.id, holder=world.chance.token(32), state=ACTIVE, pin=sealed, made_at=now,
            expires_at=now + timedelta(days=900),
        )  # fmt: skip
        db.add(card)
        db.flush()
        offer = totp.offer(db, card, vault=world.dep.vault, chance=world.chance, service="Test", now=now)
        db.flush()
        first = pyotp.TOTP(offer.secret).at(int(now.timestamp()))
        totp.confirm(db, card, first, vault=world.dep.vault, now=now)
        made = Holder(world, person.id, card.id, offer.secret)
    world.clock.advance(30)
    return made
