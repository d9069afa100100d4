"""A new root secret comes while people activate and sign in: what is under way goes on."""

from dataclasses import replace

import pytest

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.ecps import enrolment
from tests.ecps.people import Candidate, candidate
from tests.ecps.requests import Asked, ask
from tests.world import World

OLD, NEW = b"k" * 32, b"n" * 32


def rolled(person: Candidate, *roots: bytes) -> Candidate:
    """The same person before a deployment that reads these root secrets."""
    world = person.world
    return replace(person, world=World(replace(world.dep, vault=vault_of(roots)), world.clock, world.chance))


def test_activation_codes_sent_before_open_the_enrolment_after(world: World) -> None:
    person = candidate(world)
    codes = person.ask()
    with pytest.raises(Refusal, match="activation-refused"):
        rolled(person, NEW).verify(codes)
    later = rolled(person, NEW, OLD)
    later.token = later.verify(codes)
    assert later.step() is enrolment.Step.CODE


@pytest.mark.parametrize("way", ["number", "scan"])
def test_a_request_that_waits_is_answered_with_what_the_computer_shows(world: World, way: str) -> None:
    person = candidate(world).enrol()
    before = ask(person)
    shown = before.view()
    after = Asked(rolled(person, NEW, OLD), before.id)
    assert after.view() == shown
    if way == "number":
        after.type(shown.number)
    else:
        after.scan(shown.qr_link)
    after.approve()
    assert after.collect().practitioner == person.practitioner


def test_a_request_made_after_depends_on_the_new_root_alone(world: World) -> None:
    person = rolled(candidate(world).enrol(), NEW, OLD)
    asked = ask(person)
    assert Asked(rolled(person, NEW), asked.id).number == asked.number
