"""Enrolment: each step once and in order; nothing opens before the end; the former card ends with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in, enrolment, means, phones, pin, purge
from pro_sante_connect.ecps.models import ABANDONED, ACTIVE, REPLACED, Card, OneTimeSecret, Passkey
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate, candidate, events, suspend, told, winners
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    """Both codes entered."""
    known = candidate(world)
    known.token = known.verify(known.ask())
    return known


def states(person: Candidate) -> list[str]:
    with reading(person.world.engine) as db:
        return list(db.scalars(select(Card.state).order_by(Card.id)))


def kinds(person: Candidate) -> set[str]:
    with reading(person.world.engine) as db:
        return {one.kind for one in means.of(db, person.practitioner)}


def steps(person: Candidate) -> dict[str, Any]:
    """Every verb of the walk."""
    dep, token = person.dep, person.token
    return {
        "choose_code": lambda: enrolment.choose_code(dep, token, CODE, origin=BROWSER),
        "start_passkey": lambda: enrolment.start_passkey(dep, token),
        "finish_passkey": lambda: enrolment.finish_passkey(dep, token, "{}", name="", origin=BROWSER),
        "skip_passkey": lambda: enrolment.skip_passkey(dep, token),
        "start_totp": lambda: enrolment.start_totp(dep, token),
        "confirm_totp": lambda: enrolment.confirm_totp(dep, token, "000000", origin=BROWSER),
        "skip_totp": lambda: enrolment.skip_totp(dep, token),
        "finish": lambda: enrolment.finish(dep, token, phone_name="", ended=end_sessions, origin=BROWSER),
    }


@pytest.mark.parametrize(
    ("passkey", "app", "expected"),
    [
        (True, True, {"code", "passkey", "totp", "phone"}),
        (True, False, {"code", "passkey", "phone"}),
        (False, True, {"code", "totp", "phone"}),
    ],
)
def test_the_whole_way_makes_an_active_card(world: World, passkey: bool, app: bool, expected: set[str]) -> None:
    person = candidate(world).enrol(passkey=passkey, app=app)
    assert (states(person), kinds(person)) == ([ACTIVE], expected)
    with reading(world.engine) as db:
        found = phones.find(db, person.phone, now=world.now)
        assert found is not None
        assert (found.name, found.practitioner.id) == ("Pixel", person.practitioner)
    assert events(person)[-1] == "card:activated"
    assert told(person)[-1] == "card-activated"


def test_steps_come_in_order(person: Candidate) -> None:
    allowed = [{"choose_code"}, {"start_passkey", "skip_passkey"}, {"start_totp"}, {"finish"}]
    for at, open_now in enumerate(allowed):
        for name, verb in steps(person).items():
            if name not in open_now | {"finish_passkey", "skip_totp", "confirm_totp"}:
                with pytest.raises(Refusal, match="enrolment-step"):
                    verb()
        if at == 0:
            steps(person)["choose_code"]()
        elif at == 1:
            steps(person)["skip_passkey"]()
        elif at == 2:
            person.secret = enrolment.start_totp(person.dep, person.token).secret
            enrolment.confirm_totp(person.dep, person.token, person.otp(), origin=BROWSER)


def test_without_the_token_nothing_moves(person: Candidate) -> None:
    stranger = Candidate(person.world, person.practitioner, token="x" * 43)
    for verb in steps(stranger).values():
        with pytest.raises(Refusal, match="enrolment-expired"):
            verb()


def test_an_enrolment_grows_old_and_is_swept(person: Candidate) -> None:
    steps(person)["choose_code"]()
    enrolment.finish_passkey(person.dep, person.token, person.make_passkey(), name="", origin=BROWSER)
    enrolment.start_totp(person.dep, person.token)
    person.world.clock.advance(person.dep.settings.lifetimes.interaction)
    with pytest.raises(Refusal, match="enrolment-expired"):
        person.step()
    with writing(person.world.engine) as db:
        purge.purge(db, now=person.world.now)
    with reading(person.world.engine) as db:
        assert [db.scalars(select(table.id)).all() for table in (Card, Passkey, OneTimeSecret)] == [[], [], []]


def test_nothing_opens_before_the_end(person: Candidate) -> None:
    steps(person)["choose_code"]()
    steps(person)["skip_passkey"]()
    person.secret = enrolment.start_totp(person.dep, person.token).secret
    enrolment.confirm_totp(person.dep, person.token, person.otp(), origin=BROWSER)
    person.world.clock.advance(30)
    with pytest.raises(Refusal, match="codes-refused"):
        code_sign_in.sign_in(person.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)
    assert kinds(person) == set()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("123", "pin-malformed"), ("123456789", "pin-malformed"), ("١٢٣٤", "pin-malformed"), ("12a4", "pin-malformed"),
        ("", "pin-malformed"), ("0000", "pin-weak"), ("777777", "pin-weak"), ("1234", "pin-weak"),
        ("7890", "pin-weak"), ("98765432", "pin-weak"), ("9982", "pin-weak"), ("424051", "pin-weak"),
    ],
)  # fmt: skip
def test_a_code_that_is_guessed_first_is_refused(person: Candidate, code: str, problem: str) -> None:
    with pytest.raises(Refusal, match=problem):
        enrolment.choose_code(person.dep, person.token, code, origin=BROWSER)
    assert person.step() is enrolment.Step.CODE


@given(st.text(max_size=12))
def test_any_text_is_a_code_or_a_refusal(typed: str) -> None:
    try:
        chosen = pin.choose(typed, identifier=NATIONAL_ID)
    except Refusal:
        return
    assert chosen.isascii()
    assert 4 <= len(chosen) <= 8
    assert chosen.isdigit()


def test_the_confirming_code_is_used_up(world: World) -> None:
    person = candidate(world).enrol(passkey=False)
    world.clock.advance(-30)
    with pytest.raises(Refusal, match="codes-refused"):
        code_sign_in.sign_in(person.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)


def test_a_secret_that_was_scanned_is_offered_until_its_first_code_is_right(person: Candidate) -> None:
    steps(person)["choose_code"]()
    steps(person)["skip_passkey"]()
    person.secret = enrolment.start_totp(person.dep, person.token).secret
    for wrong in ("000000" if person.otp() != "000000" else "000001", "", "12345", "abcdef"):
        with pytest.raises(Refusal, match="otp-wrong"):
            enrolment.confirm_totp(person.dep, person.token, wrong, origin=BROWSER)
        assert enrolment.start_totp(person.dep, person.token).secret == person.secret
    enrolment.confirm_totp(person.dep, person.token, person.otp(), origin=BROWSER)
    assert person.step() is enrolment.Step.DONE


def test_of_ten_looks_at_the_offer_all_see_one_secret(person: Candidate) -> None:
    steps(person)["choose_code"]()
    steps(person)["skip_passkey"]()
    seen: set[str] = set()

    assert winners(lambda: seen.add(enrolment.start_totp(person.dep, person.token).secret)) == 10
    assert len(seen) == 1


def test_a_card_needs_one_way_besides_its_code(person: Candidate) -> None:
    steps(person)["choose_code"]()
    steps(person)["skip_passkey"]()
    with pytest.raises(Refusal, match="second-way-needed"):
        steps(person)["skip_totp"]()
    assert person.step() is enrolment.Step.TOTP


def test_a_new_card_ends_the_former_with_all_its_means_and_keeps_the_user_handle(world: World) -> None:
    person = candidate(world).enrol()
    former, old_phone, holder = person.secret, person.phone, person.passkey
    person.enrol(app=True, passkey=False)
    assert states(person) == [REPLACED, ACTIVE]
    assert events(person).count("card:ended") == 1
    with reading(world.engine) as db:
        assert phones.find(db, old_phone, now=world.now) is None
        handles = set(db.scalars(select(Card.holder)))
    assert holder is not None
    assert handles == {holder.holder}
    person.secret, newer = former, person.secret
    with pytest.raises(Refusal, match="codes-refused"):
        code_sign_in.sign_in(person.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)
    person.secret = newer
    code_sign_in.sign_in(person.dep, typed=NATIONAL_ID, pin=CODE, otp=person.otp(), origin=BROWSER)


def test_a_newer_enrolment_abandons_the_one_under_way(person: Candidate) -> None:
    person.verify(person.ask())
    assert states(person) == [ABANDONED, "enrolling"]
    with pytest.raises(Refusal, match="enrolment-expired"):
        person.step()


def test_a_suspension_during_the_enrolment_stops_it_at_the_end(person: Candidate) -> None:
    steps(person)["choose_code"]()
    enrolment.finish_passkey(person.dep, person.token, person.make_passkey(), name="", origin=BROWSER)
    steps(person)["skip_totp"]()
    suspend(person)
    with pytest.raises(Refusal, match="enrolment-expired"):
        steps(person)["finish"]()
    assert states(person) == ["enrolling"]


def test_of_ten_clicks_on_finish_one_makes_a_card(person: Candidate) -> None:
    steps(person)["choose_code"]()
    enrolment.finish_passkey(person.dep, person.token, person.make_passkey(), name="", origin=BROWSER)
    steps(person)["skip_totp"]()

    assert winners(steps(person)["finish"]) == 1
    assert states(person) == [ACTIVE]


def test_of_ten_first_codes_one_confirms(person: Candidate) -> None:
    steps(person)["choose_code"]()
    steps(person)["skip_passkey"]()
    person.secret = enrolment.start_totp(person.dep, person.token).secret
    code = person.otp()

    assert winners(lambda: enrolment.confirm_totp(person.dep, person.token, code, origin=BROWSER)) == 1


def test_finished_enrolments_are_swept_a_day_later(world: World) -> None:
    person = candidate(world).enrol()
    world.clock.advance(86_400 + 3600)
    with writing(world.engine) as db:
        purge.purge(db, now=world.now)
    assert states(person) == [ACTIVE]
    with pytest.raises(Refusal, match="enrolment-expired"):
        person.step()
