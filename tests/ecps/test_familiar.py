"""A browser where the person signed in before: strangers who know her number do not shut her out there."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.ecps import code_sign_in, familiar
from pro_sante_connect.ecps.attempts import LIMIT, QUICK, pause_after, person_of
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate, candidate, told
from tests.world import SeededChance, World

VAULT = vault_of((b"k" * 32,))


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol(passkey=False)


def cookie_of(person: Candidate, held: str = "") -> str:
    return familiar.remember(person.dep.vault, held, person_of(person.national_id), chance=person.world.chance)


def sign_in(person: Candidate, cookie: str = "", *, pin: str = CODE) -> None:
    code_sign_in.sign_in(
        person.dep, typed=person.national_id, pin=pin, otp=person.otp(), origin=BROWSER, familiar_cookie=cookie
    )


def fail(person: Candidate, times: int, cookie: str = "", *, patient: bool = False) -> None:
    """So many wrong tries; a patient stranger waits for each pause to end."""
    for number in range(1, times + 1):
        with pytest.raises(Refusal):
            sign_in(person, cookie, pin="0000")
        if patient:
            person.world.clock.advance((pause_after(number) or timedelta()).total_seconds())


def test_what_strangers_close_stays_open_in_a_familiar_browser(person: Candidate) -> None:
    known = cookie_of(person)
    fail(person, LIMIT, patient=True)
    with pytest.raises(Refusal, match="codes-paused"):
        sign_in(person)
    sign_in(person, known)
    # and what they closed for good stays closed for them
    person.world.clock.advance(86_400)
    with pytest.raises(Refusal, match="codes-paused"):
        sign_in(person)


def test_a_familiar_browser_has_as_few_tries_as_any_other(person: Candidate) -> None:
    known = cookie_of(person)
    fail(person, QUICK, known)
    with pytest.raises(Refusal, match="codes-paused"):
        sign_in(person, known)
    sign_in(person)


def test_a_success_in_a_familiar_browser_forgives_strangers_short_of_the_limit(person: Candidate) -> None:
    known = cookie_of(person)
    fail(person, QUICK)
    sign_in(person, known)
    person.world.clock.advance(30)
    sign_in(person)


def test_a_new_card_opens_a_familiar_browser_that_was_closed(person: Candidate) -> None:
    known = cookie_of(person)
    fail(person, LIMIT, known, patient=True)
    with pytest.raises(Refusal, match="codes-paused"):
        sign_in(person, known)
    person.enrol(passkey=False)
    sign_in(person, known)


@pytest.mark.parametrize("with_cookie", [False, True])
def test_a_sign_in_after_many_failures_is_told(person: Candidate, with_cookie: bool) -> None:
    fail(person, QUICK - 1)
    sign_in(person)
    assert "sign-in-after-failures" not in told(person)
    person.world.clock.advance(30)
    fail(person, QUICK)
    person.world.clock.advance(30)
    sign_in(person, cookie_of(person) if with_cookie else "")
    assert told(person)[-1] == "sign-in-after-failures"


def test_a_cookie_is_familiar_to_those_who_signed_in_there_and_to_nobody_else() -> None:
    chance, cookie = SeededChance(), ""
    people = [person_of(f"8998204{number:05d}") for number in range(familiar.MOST + 1)]
    for one in people:
        cookie = familiar.remember(VAULT, cookie, one, chance=chance)
    own = cookie.partition(".")[0]
    assert [familiar.browser(VAULT, cookie, one) for one in people] == ["", *[own] * familiar.MOST]
    assert familiar.remember(VAULT, cookie, people[-1], chance=chance) == cookie
    assert familiar.browser(vault_of((b"n" * 32,)), cookie, people[-1]) == ""
    rolled = vault_of((b"n" * 32, b"k" * 32))
    assert familiar.browser(rolled, cookie, people[-1]) == own
    assert familiar.browser(
        vault_of((b"n" * 32,)), familiar.remember(rolled, cookie, people[-1], chance=chance), people[-1]
    )
    mark = cookie.split(".")[1]
    for bent in (f"{'A' * 24}.{mark}", own, f".{mark}", f"{own}.{mark[:-1]}", f"{own}/{mark}", cookie + "." * 99):
        assert familiar.browser(VAULT, bent, people[-1]) == ""


@given(st.text())
def test_a_made_up_cookie_is_familiar_to_nobody(cookie: str) -> None:
    person = person_of(NATIONAL_ID)
    assert familiar.browser(VAULT, cookie, person) == ""
    kept = familiar.remember(VAULT, cookie, person, chance=SeededChance())
    assert familiar.browser(VAULT, kept, person)
    assert kept.isascii()
