"""A means and the sessions it opened end in one transaction."""

import pytest

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means
from pro_sante_connect.ecps.models import Phone
from pro_sante_connect.oidc.models import Session
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.signals.withdrawal import withdraw
from tests.ecps.people import Holder, make_holder
from tests.signals.people import notes
from tests.world import World


def begin(holder: Holder, key: str) -> str:
    """A session opened with that means."""
    world = holder.world
    proof = Authentication(
        practitioner=holder.practitioner, mode=Mode.MOBILE, methods=("pin",), level=Level.EIDAS2, means=key,
        at=world.now,
    )  # fmt: skip
    with writing(world.engine) as db:
        return sessions.begin(
            db,
            proof,
            former=None,
            device="",
            lifetimes=world.dep.settings.lifetimes,
            chance=world.chance,
            now=world.now,
        ).session.id


def living(world: World) -> set[str]:
    with reading(world.engine) as db:
        return {session.id for session in db.query(Session).filter(Session.ended_at.is_(None))}


def test_a_phone_goes_with_its_sessions_and_no_other(world: World) -> None:
    holder = make_holder(world)
    with writing(world.engine) as db:
        db.add(
            Phone(
                card_id=holder.card, practitioner_id=holder.practitioner, token_digest="d", name="Poche",
                added_at=world.now,
            )
        )  # fmt: skip
    with reading(world.engine) as db:
        keys = {one.kind: one.key for one in means.of(db, holder.practitioner)}
    kept, ended = begin(holder, keys["totp"]), begin(holder, keys["phone"])
    assert withdraw(world.dep, holder.practitioner, keys["phone"], origin=SYSTEM) == 1
    assert ended not in living(world)
    assert kept in living(world)
    changes = [note.facts["change"] for note in notes(world) if note.topic == "means:changed"]
    assert changes[-1] == "withdrawn"


def test_the_last_way_in_stays_and_so_do_its_sessions(world: World) -> None:
    holder = make_holder(world)
    with reading(world.engine) as db:
        only = next(one for one in means.of(db, holder.practitioner) if one.kind != "code")
    session = begin(holder, only.key)
    with pytest.raises(Refusal, match="last-means"):
        withdraw(world.dep, holder.practitioner, only.key, origin=SYSTEM)
    assert living(world) == {session}
