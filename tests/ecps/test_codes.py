"""e-CPS code and one-time code: both at once, each step once, guesses counted before they are looked at."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, card, code_sign_in, totp
from pro_sante_connect.ecps.attempts import LIMIT, QUICK, Way, pause_after, person_of
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals import withdrawal
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate, candidate, events, suspend, told
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def sign_in(person: Candidate, *, typed: str = NATIONAL_ID, pin: str = CODE, otp: str | None = None):
    code = person.otp() if otp is None else otp
    return code_sign_in.sign_in(person.dep, typed=typed, pin=pin, otp=code, origin=BROWSER)


@pytest.mark.parametrize("typed", [NATIONAL_ID, NATIONAL_ID[1:], f" {NATIONAL_ID[:4]} {NATIONAL_ID[4:]} "])
def test_both_codes_open(person: Candidate, typed: str) -> None:
    found = sign_in(person, typed=typed, pin=f" {CODE[:2]} {CODE[2:]}")
    assert (found.practitioner, found.level, found.methods) == (
        person.practitioner, Level.EIDAS2, ("pin", "otp", "mfa"),
    )  # fmt: skip
    assert events(person)[-1] == "sign-in:succeeded"


@pytest.mark.parametrize(("pin", "otp"), [("7295", None), (CODE, "000000"), ("", None), (CODE, ""), ("a", "b")])
def test_the_answer_never_says_which_was_wrong(person: Candidate, pin: str, otp: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        sign_in(person, pin=pin, otp=otp)
    assert (refused.value.code, refused.value.facts) == ("codes-refused", {"tries_left": QUICK - 1})


def test_a_number_nobody_bears_is_refused_and_paused_like_a_known_one(person: Candidate) -> None:
    def said(typed: str) -> list[tuple[str, dict[str, object]]]:
        answers = []
        for _ in range(QUICK + 2):
            with pytest.raises(Refusal) as refused:
                sign_in(person, typed=typed, otp="000000")
            answers.append((refused.value.code, refused.value.facts))
        return answers

    known = said(NATIONAL_ID)
    assert [code for code, _ in known] == ["codes-refused"] * (QUICK - 1) + ["codes-paused"] * 3
    assert known == said("899867004170") == said("bonjour") == said("é")


def test_a_code_opens_once_and_never_an_older_one(person: Candidate) -> None:
    clock, older = person.world.clock, person.otp()
    clock.advance(30)
    sign_in(person)
    for used in (person.otp(), older):
        with pytest.raises(Refusal, match="codes-refused"):
            sign_in(person, otp=used)
    clock.advance(30)
    sign_in(person)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_either_way_is_taken(person: Candidate, steps: int, right: bool) -> None:
    person.world.clock.advance(300)
    at = person.world.now + timedelta(seconds=30 * steps)
    code = pyotp.TOTP(person.secret).at(int(at.timestamp()))
    if right:
        assert sign_in(person, otp=code)
    else:
        with pytest.raises(Refusal, match="codes-refused"):
            sign_in(person, otp=code)


def test_of_ten_times_the_same_codes_one_opens(person: Candidate) -> None:
    code = person.otp()

    def try_it(_: int) -> str:
        try:
            sign_in(person, otp=code)
        except Refusal as refusal:
            return refusal.code
        return "opened"

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(try_it, range(10))).count("opened") == 1


def test_parallel_guesses_are_all_counted(person: Candidate) -> None:
    def guess(number: int) -> str:
        try:
            sign_in(person, otp=f"{number:06d}")
        except Refusal as refusal:
            return refusal.code
        return "opened"  # pragma: no cover - one in a million

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(16)))
    assert answers.count("codes-refused") == QUICK - 1
    assert answers.count("codes-paused") == 16 - (QUICK - 1)


def test_a_success_forgives_and_a_pause_ends(person: Candidate) -> None:
    clock = person.world.clock
    for _ in range(2):
        for _ in range(QUICK - 1):
            with pytest.raises(Refusal, match="codes-refused"):
                sign_in(person, pin="0000")
        clock.advance(30)
        sign_in(person)
    for _ in range(QUICK):
        with pytest.raises(Refusal):
            sign_in(person, pin="0000")
    with pytest.raises(Refusal, match="codes-paused") as paused:
        sign_in(person)
    assert paused.value.facts == {"minutes": 1}
    clock.advance(30)
    sign_in(person)


def test_after_a_hundred_failures_only_a_new_card_helps(person: Candidate) -> None:
    clock = person.world.clock
    for number in range(1, LIMIT + 1):
        with pytest.raises(Refusal):
            sign_in(person, pin="0000")
        clock.advance((pause_after(number) or timedelta()).total_seconds())
    assert events(person).count("means:disabled") == 1
    assert told(person)[-1] == "means-disabled"
    for _ in range(3):
        clock.advance(30 * 24 * 3600)
        with pytest.raises(Refusal, match="codes-paused"):
            sign_in(person)
    person.enrol(passkey=False)
    sign_in(person)


@given(st.integers(0, 10_000))
def test_pauses_grow_and_end_at_an_hour(failures: int) -> None:
    pause, former = pause_after(failures), pause_after(max(0, failures - 1))
    assert (pause is None) == (failures < QUICK)
    if pause is not None:
        assert (former or timedelta()) <= pause <= timedelta(hours=1)


@given(st.text())
def test_spaces_and_case_do_not_make_another_person(typed: str) -> None:
    assert person_of(typed) == person_of(f" {typed} ")
    assert len(person_of(typed)) == 32


def test_a_hammered_door_does_not_stay_closed_for_longer(world: World) -> None:
    def reserve() -> int:
        return attempts.reserve(world.dep, "somebody", Way.PIN, paused="pin-paused", bearer=None, origin=BROWSER).number

    for _ in range(QUICK):
        reserve()
    for _ in range(50):
        with pytest.raises(Refusal, match="pin-paused"):
            reserve()
    world.clock.advance(30)
    assert reserve() == QUICK + 1


def test_a_suspended_person_is_stopped_after_right_codes_only(person: Candidate) -> None:
    suspend(person)
    with pytest.raises(Refusal, match="codes-refused"):
        sign_in(person, pin="0000")
    with pytest.raises(Refusal, match="sign-in-stopped"):
        sign_in(person)


def test_a_frozen_card_opens_nothing_and_needs_no_reason(person: Candidate) -> None:
    withdrawal.freeze(person.dep, person.practitioner, origin=BROWSER)
    assert told(person)[-1] == "card-withdrawn"
    with pytest.raises(Refusal, match="codes-refused"):
        sign_in(person)
    with pytest.raises(Refusal, match="means-unknown"):
        withdrawal.freeze(person.dep, person.practitioner, origin=BROWSER)


def test_a_person_without_contact_is_told_nothing(world: World) -> None:
    person = candidate(world).enrol()
    with writing(world.engine) as db:
        known = registry.get(db, person.practitioner)
        known.contact_email = known.contact_phone = ""
    before = told(person)
    withdrawal.freeze(person.dep, person.practitioner, origin=BROWSER)
    assert told(person) == before


def test_a_secret_in_use_is_not_confirmed_again(person: Candidate) -> None:
    world = person.world
    with writing(world.engine) as db:
        held = card.required(db, person.practitioner, now=world.now)
        assert totp.confirm(db, held, person.otp(), vault=world.dep.vault, now=world.now) is None
