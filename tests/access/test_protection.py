"""Protection takes two, hides a person from everybody but herself, and revives nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update

from pro_sante_connect.access.models import Proposal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.oidc.models import Session
from pro_sante_connect.rpps import protection, registry, status
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import practice
from tests.access.clerk import clerk
from tests.oidc.parties import NATIONAL_ID, Cast, make_cast
from tests.serving import Served
from tests.world import World

TOWN = "BREST CEDEX"


@pytest.fixture
def people(served: Served) -> Cast:
    made = make_cast(served.world)
    with writing(served.world.engine) as db:
        person = registry.get(db, made.practitioner)
        told = registry.dossier(person)
        told["exercices"][0]["activites"][0]["structure"]["cedex"] = TOWN
        person.dossier = json.dumps(told)
    return made


def protected(served: Served, person: int) -> bool:
    with reading(served.world.engine) as db:
        return registry.get(db, person).protected


def proposal(served: Served) -> int:
    with reading(served.world.engine) as db:
        return db.scalars(select(Proposal.id).order_by(Proposal.id.desc())).first() or 0


def facts(served: Served, event: str) -> list[dict[str, object]]:
    with reading(served.world.engine) as db:
        return list(db.scalars(select(Entry.facts).where(Entry.event == event).order_by(Entry.id)))


def test_two_people_protect_and_two_lift_it(served: Served, people: Cast) -> None:
    person = people.practitioner
    rosa, sam = clerk(served, "rosa", "supervisor"), clerk(served, "sam", "supervisor")
    assert TOWN in rosa.open(f"/staff/people/{person}/decide/suspension")
    rosa.decide(person, "protection", reason="PS_DANGER")
    rosa.open(f"/staff/approvals/{proposal(served)}")
    assert 'id="approve"' not in rosa.page.text
    assert not protected(served, person)
    sam.answer(proposal(served), "approve")
    assert protected(served, person)
    seen = sam.open(f"/staff/people/{person}")
    assert 'id="protected"' in seen
    assert "decide/protection-end" in seen
    assert TOWN not in seen + sam.open(f"/staff/people/{person}/decide/suspension")
    assert facts(served, "practitioner:viewed")[-1] == {"protected": True}
    assert facts(served, "practitioner:protected") == [{"reason": "PS_DANGER"}]
    sam.decide(person, "protection-end", reason="ADM")
    assert protected(served, person)
    rosa.answer(proposal(served), "approve")
    assert not protected(served, person)
    assert TOWN in rosa.open(f"/staff/people/{person}")


def test_what_is_so_already_is_not_proposed(served: Served, people: Cast) -> None:
    rosa = clerk(served, "rosa", "registrar")
    rosa.decide(people.practitioner, "protection-end", reason="ADM")
    assert (rosa.page.status_code, proposal(served)) == (422, 0)


def test_nobody_protects_herself_nor_agrees_to_it(served: Served, people: Cast) -> None:
    herself = clerk(served, "chloe", "supervisor", national_id=NATIONAL_ID)
    herself.open(f"/staff/people/{people.practitioner}/decide/protection")
    assert herself.page.status_code == 403
    clerk(served, "rosa", "registrar").decide(people.practitioner, "protection", reason="OPP_DIF_PUB")
    herself.open(f"/staff/approvals/{proposal(served)}")
    assert 'id="approve"' not in herself.page.text


def become(world: World, person: int, *, lift: bool = False) -> str:
    verb = protection.lift if lift else protection.protect
    try:
        with writing(world.engine) as db:
            practice.decide(db, registry.get(db, person), verb, reason="PS_DANGER", origin=SYSTEM, now=world.now)
    except Refusal as refusal:
        return refusal.code
    return ""


def alive(world: World, person: int, began: timedelta) -> tuple[bool, bool]:
    """May sign in now; and what began so long ago still lives."""
    with reading(world.engine) as db:
        standing = registry.standing(db, person)
    since = world.now - began
    return status.may_sign_in(standing, now=world.now), status.unbroken(standing, since=since, now=world.now)


def test_her_session_goes_on_when_she_is_protected(world: World) -> None:
    cast = make_cast(world)
    sid = cast.sign_in()
    world.clock.advance(60)
    assert become(world, cast.practitioner) == ""
    assert become(world, cast.practitioner, lift=True) == ""
    with reading(world.engine) as db:
        assert db.get_one(Session, sid).ended_at is None
        assert list(db.scalars(select(OutboxNote.topic))) == []


def test_who_had_left_the_files_enters_again_and_nothing_old_revives(world: World) -> None:
    cast = make_cast(world)
    old = cast.sign_in()
    world.clock.advance(60)
    with writing(world.engine) as db:
        db.execute(update(Practitioner).values(absent_since=world.now, digest=""))
    world.clock.advance(60)
    assert become(world, cast.practitioner) == ""
    assert alive(world, cast.practitioner, timedelta(seconds=120)) == (True, False)
    new = cast.sign_in()
    world.clock.advance(60)
    assert alive(world, cast.practitioner, timedelta(seconds=60)) == (True, True)
    assert become(world, cast.practitioner, lift=True) == ""
    assert alive(world, cast.practitioner, timedelta(seconds=60)) == (False, False)
    with reading(world.engine) as db:
        ended = [db.get_one(Session, sid).ended_at for sid in (old, new)]
        kinds = [note.facts["kind"] for note in db.scalars(select(OutboxNote).order_by(OutboxNote.id))
                 if note.topic == "practitioner:status-changed"]  # fmt: skip
    assert None not in ended
    assert kinds == ["present", "absent"]


def test_of_many_at_once_one_protects(world: World) -> None:
    person, barrier = make_cast(world).practitioner, Barrier(4)

    def act(_: int) -> str:
        barrier.wait(20)
        return become(world, person)

    with ThreadPoolExecutor(4) as hands:
        assert sorted(hands.map(act, range(4))) == [""] + ["already-protected"] * 3
