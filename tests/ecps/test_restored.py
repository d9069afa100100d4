"""A restored backup: what it holds as unused may have been used since, and opens nothing."""

from typing import Any

import pytest
from sqlalchemy import select

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in, enrolment, pairing, passkeys, restored
from pro_sante_connect.ecps.models import Ceremony, Pairing
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate, candidate
from tests.ecps.requests import ask
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def restore(world: World) -> None:
    with writing(world.engine) as db:
        restored.void(db, now=world.now)


def sign_in(person: Candidate) -> Any:
    return code_sign_in.sign_in(person.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)


def test_one_time_codes_up_to_the_restore_are_spent(person: Candidate) -> None:
    restore(person.world)
    for _ in range(2):  # this step, and the one ahead that the window takes
        with pytest.raises(Refusal, match="codes-refused"):
            sign_in(person)
        person.world.clock.advance(30)
    sign_in(person)


def test_a_restore_never_takes_a_step_back(person: Candidate) -> None:
    sign_in(person)
    person.world.clock.advance(-600)
    restore(person.world)
    person.world.clock.advance(600)
    with pytest.raises(Refusal, match="codes-refused"):
        sign_in(person)


@pytest.mark.parametrize("stage", ["asked", "verified"])
def test_an_activation_under_way_is_over(world: World, stage: str) -> None:
    person = candidate(world)
    codes = person.ask()
    if stage == "verified":
        person.token = person.verify(codes)
    restore(world)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(codes)
    with pytest.raises(Refusal, match="enrolment-expired"):
        enrolment.choose_code(world.dep, person.token, CODE, origin=BROWSER)
    person.enrol()


@pytest.mark.parametrize("stage", ["pending", "matched", "approved"])
def test_a_request_under_way_is_dead(person: Candidate, stage: str) -> None:
    asked = ask(person)
    if stage != "pending":
        asked.type(asked.number)
    if stage == "approved":
        asked.approve()
    restore(person.world)
    with pytest.raises(Refusal, match="approval-killed"):
        asked.collect()
    ask(person)


def test_a_pairing_and_a_challenge_are_forgotten(person: Candidate) -> None:
    world = person.world
    with writing(world.engine) as db:
        known = registry.get(db, person.practitioner)
        token = pairing.issue(db, known, chance=world.chance, now=world.now, lifetimes=world.dep.settings.lifetimes)
    credential = person.answer(passkeys.start_sign_in(world.dep, binding="b", typed=NATIONAL_ID))
    restore(world)
    with pytest.raises(Refusal, match="pairing-refused"):
        pairing.claim(world.dep, token, phone_name="", origin=BROWSER)
    with pytest.raises(Refusal, match="passkey-refused"):
        passkeys.finish_sign_in(world.dep, binding="b", credential=credential, ended=end_sessions, origin=BROWSER)
    with reading(world.engine) as db:
        assert [db.scalars(select(one)).all() for one in (Pairing.token_digest, Ceremony.challenge_digest)] == [[], []]


def test_what_is_bound_goes_on_opening(person: Candidate) -> None:
    restore(person.world)
    credential = person.answer(passkeys.start_sign_in(person.dep, binding="b", typed=None))
    assert passkeys.finish_sign_in(person.dep, binding="b", credential=credential, ended=end_sessions, origin=BROWSER)
