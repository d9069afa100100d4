"""Activation: two codes by two channels open one enrolment; whoever asks learns nothing."""

import json

import pytest
from sqlalchemy import func, select

from pro_sante_connect.audit.journal import SYSTEM, Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.ecps import enrolment
from pro_sante_connect.ecps.activation import ASKS, TRIES
from pro_sante_connect.ecps.attempts import ADDRESS_LIMIT, ADDRESS_WINDOW
from pro_sante_connect.ecps.models import Activation
from pro_sante_connect.rpps import registry
from tests.ecps.people import BROWSER, Candidate, candidate, events, suspend, winners
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world)


def notes(world: World) -> int:
    with reading(world.engine) as db:
        return int(db.scalar(select(func.count(OutboxNote.id))) or 0)


def test_two_codes_leave_by_two_channels_and_rest_unreadable(person: Candidate) -> None:
    codes = person.ask()
    assert set(codes) == {"mail", "sms"}
    with reading(person.world.engine) as db:
        (row,) = db.scalars(select(Activation)).all()
        kept = json.dumps([note.facts for note in db.scalars(select(OutboxNote))]) + row.mail_digest + row.sms_digest
    assert all(code.replace("-", "") not in kept for code in codes.values())
    assert events(person) == ["activation:asked"]


@pytest.mark.parametrize("spelled", [str.lower, lambda code: f" {code} ", lambda code: code.replace("-", "")])
def test_codes_are_taken_however_they_are_spelled(person: Candidate, spelled) -> None:
    codes = person.ask()
    sms = codes["sms"]
    person.token = person.verify({"mail": spelled(codes["mail"]), "sms": f"{sms[:3]} {sms[3:]}"})
    assert person.step() is enrolment.Step.CODE


@pytest.mark.parametrize("typed", ["899820424069", "bonjour", "", "\0", "8" * 4000])
def test_a_number_that_nobody_bears_is_answered_alike_and_sends_nothing(world: World, typed: str) -> None:
    enrolment.ask(world.dep, typed, language="fr", origin=BROWSER)
    assert notes(world) == 0


@pytest.mark.parametrize("missing", ["contact_email", "contact_phone"])
def test_without_both_channels_nothing_is_sent(world: World, missing: str) -> None:
    assert candidate(world, **{missing: ""}).ask() == {}


def change_contact(person: Candidate, email: str, phone: str) -> None:
    """As one operator does, alone."""
    with writing(person.world.engine) as db:
        known = registry.get(db, person.practitioner)
        registry.set_contact(db, known, email=email, phone=phone, origin=SYSTEM, now=person.world.now)


@pytest.mark.parametrize(
    "changes",
    [
        [("other@personnes.example", "0639980099")],
        [("other@personnes.example", "0639980001")],
        [("chloe@personnes.example", "0639980099")],
        [("", ""), ("other@personnes.example", "0639980099")],
    ],
)
def test_after_a_change_of_contact_no_code_leaves_before_the_former_one_had_time_to_hear(
    person: Candidate, changes: list[tuple[str, str]]
) -> None:
    for email, phone in changes:
        change_contact(person, email, phone)
    wait = person.dep.settings.lifetimes.contact_wait
    person.world.clock.advance(wait - 1)
    assert person.ask() == {}
    person.world.clock.advance(1)
    assert set(person.ask()) == {"mail", "sms"}


def test_the_first_contact_and_the_same_again_wait_for_nobody(world: World) -> None:
    person = candidate(world, contact_email="", contact_phone="")
    for _ in range(2):
        change_contact(person, "chloe@personnes.example", "0639980001")
        assert set(person.ask()) == {"mail", "sms"}


def test_a_suspended_person_is_sent_nothing(person: Candidate) -> None:
    suspend(person)
    assert person.ask() == {}


def test_a_suspension_between_the_codes_and_their_use_closes_the_enrolment(person: Candidate) -> None:
    codes = person.ask()
    suspend(person)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(codes)


def test_asking_again_and_again_sends_no_more_than_five_letters_an_hour(person: Candidate) -> None:
    assert [bool(person.ask()) for _ in range(ASKS + 2)] == [True] * ASKS + [False, False]
    person.world.clock.advance(3601)
    assert person.ask()


@pytest.mark.parametrize("lost", ["mail", "sms", "both"])
def test_one_code_is_not_enough(person: Candidate, lost: str) -> None:
    codes = person.ask()
    wrong = {name: "0" * len(code) if lost in (name, "both") else code for name, code in codes.items()}
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(wrong)
    assert events(person)[-1] == ("activation:refused" if lost == "sms" else "activation:asked")


def test_after_five_tries_the_right_codes_are_dead(person: Candidate) -> None:
    codes = person.ask()
    for _ in range(TRIES):
        with pytest.raises(Refusal, match="activation-refused"):
            person.verify(codes | {"sms": "x"})
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(codes)


def test_codes_work_once(person: Candidate) -> None:
    codes = person.ask()
    person.verify(codes)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(codes)


def test_codes_grow_old(person: Candidate) -> None:
    codes = person.ask()
    person.world.clock.advance(person.dep.settings.lifetimes.activation)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(codes)


def test_codes_of_somebody_else_do_not_mix(world: World) -> None:
    one, other = candidate(world), candidate(world, "899867004170")
    with pytest.raises(Refusal, match="activation-refused"):
        one.verify({"mail": one.ask()["mail"], "sms": other.ask()["sms"]})


def test_the_codes_used_close_the_others_and_the_enrolment_under_way(person: Candidate) -> None:
    first, second, third = person.ask(), person.ask(), person.ask()
    person.token = person.verify(first)
    late = Candidate(person.world, person.practitioner, token=person.token)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(second)
    with pytest.raises(Refusal, match="activation-refused"):
        person.verify(third)
    person.token = person.verify(person.ask())
    assert person.step() is enrolment.Step.CODE
    with pytest.raises(Refusal, match="enrolment-expired"):
        late.step()


@pytest.mark.parametrize("address", ["198.51.100.4", "2001:db8::%d", "::ffff:198.51.100.4", "a name"])
def test_one_address_does_not_try_without_end(person: Candidate, address: str) -> None:
    """An IPv6 subscriber owns a /64: another host of it is the same address."""

    def at(number: int) -> Origin:
        return Origin(address=address.replace("%d", f"{number:x}"))

    for number in range(ADDRESS_LIMIT):
        enrolment.ask(person.dep, "1", language="fr", origin=at(number))
    with pytest.raises(Refusal, match="activation-throttled"):
        enrolment.ask(person.dep, "1", language="fr", origin=at(ADDRESS_LIMIT))
    enrolment.ask(person.dep, "1", language="fr", origin=Origin(address="203.0.113.9"))
    person.world.clock.advance(ADDRESS_WINDOW.total_seconds())
    enrolment.ask(person.dep, "1", language="fr", origin=at(0))


def test_guessing_codes_is_throttled_by_address_before_anything_is_looked_at(person: Candidate) -> None:
    for _ in range(ADDRESS_LIMIT):
        with pytest.raises(Refusal, match="activation-refused"):
            person.verify({"mail": "x", "sms": "y"})
    with pytest.raises(Refusal, match="activation-throttled"):
        person.verify(person.ask())


def test_of_ten_browsers_with_the_same_codes_one_gets_in(person: Candidate) -> None:
    codes = person.ask()

    assert winners(lambda: person.verify(codes)) == 1
