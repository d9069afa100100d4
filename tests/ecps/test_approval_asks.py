"""Whoever asks a phone is counted: a stranger neither rings it for ever nor keeps the person from using it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from pro_sante_connect.core.database import reading
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import familiar
from pro_sante_connect.ecps.approval_asks import ASKS, PROMPTS
from pro_sante_connect.ecps.attempts import person_of
from pro_sante_connect.ecps.models import Approval
from tests.ecps.people import Candidate, candidate, events
from tests.ecps.requests import OTHER, Asked, ask
from tests.world import World

NEAR, FAR = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


@pytest.fixture
def cookie(person: Candidate) -> str:
    """Of a browser where the person signed in before."""
    return familiar.remember(person.dep.vault, "", person_of(person.national_id), chance=person.world.chance)


def open_requests(person: Candidate) -> int:
    with reading(person.world.engine) as db:
        return len(db.scalars(select(Approval.id).where(Approval.state.in_(("pending", "matched")))).all())


def stranger(person: Candidate, number: int = 1, address: str = FAR) -> Asked:
    """A browser of its own each time."""
    return ask(person, browser=f"stranger {number}", address=address)


ENDS: dict[str, Callable[[Asked], Any]] = {
    "refuse": lambda asked: asked.refuse(),
    "expire": lambda asked: asked.person.world.clock.advance(120),
    "replace": lambda asked: None,
}


@pytest.mark.parametrize("end", ENDS)
def test_after_three_requests_without_an_answer_phones_list_no_more_but_a_scan_still_opens(
    person: Candidate, end: str
) -> None:
    for _ in range(PROMPTS):
        asked = ask(person)
        assert asked.seen() is not None
        ENDS[end](asked)
    quiet = ask(person)
    assert (quiet.seen(), quiet.view().number) == (None, "")
    quiet.scan(quiet.view().qr_link)
    seen = quiet.seen()
    assert seen is not None
    assert (seen.id, seen.matched) == (quiet.id, True)
    quiet.approve_by_passkey()
    assert quiet.collect().practitioner == person.practitioner
    person.world.clock.advance(600)
    assert ask(person).seen() is not None


def test_beyond_ten_requests_one_asker_hears_no_and_the_journal_knows(person: Candidate) -> None:
    for number in range(ASKS):
        stranger(person, number)
    for number in range(3):
        with pytest.raises(Refusal, match="approvals-paused") as paused:
            stranger(person, number)
        assert 1 <= paused.value.facts["minutes"] <= 10
    assert events(person)[-3:] == ["sign-in:refused"] * 3
    # nobody else pays for it
    mine = ask(person)
    mine.scan(mine.view().qr_link)
    person.world.clock.advance(600)
    stranger(person)


def test_a_network_of_version_6_is_one_asker(person: Candidate) -> None:
    for number in range(ASKS):
        stranger(person, number, f"2001:db8:0:1::{number}")
    with pytest.raises(Refusal, match="approvals-paused"):
        stranger(person, address="2001:db8:0:1:ffff::1")
    stranger(person, address="2001:db8:0:2::1")


def test_a_stranger_who_goes_on_asking_does_not_go_on_pushing_the_person_aside(person: Candidate) -> None:
    first = ask(person)
    stranger(person)
    assert first.view().state == "replaced"
    with pytest.raises(Refusal, match="approvals-paused") as paused:
        ask(person)
    person.world.clock.advance(60 * paused.value.facts["minutes"])
    stranger(person, 2)
    mine = ask(person)
    for number in range(20):
        with pytest.raises(Refusal, match="approvals-paused"):
            stranger(person, number)
        assert open_requests(person) == 1
    assert mine.view().state == "pending"
    mine.scan(mine.view().qr_link)
    mine.approve_by_passkey()
    mine.collect()


def test_a_request_that_the_phone_has_matched_is_not_pushed_aside(person: Candidate) -> None:
    mine = ask(person)
    mine.type(mine.number)
    with pytest.raises(Refusal, match="approvals-paused"):
        stranger(person)
    mine.approve_by_passkey()
    mine.collect()


def test_a_familiar_browser_comes_first_and_its_requests_are_listed(person: Candidate, cookie: str) -> None:
    for number in range(PROMPTS + 1):
        quiet = stranger(person, number, NEAR)
    assert quiet.view(f"stranger {PROMPTS}").number == ""
    mine = ask(person, familiar=cookie)
    assert quiet.view(f"stranger {PROMPTS}").state == "replaced"
    assert mine.seen() is not None
    for address in (NEAR, FAR):
        with pytest.raises(Refusal, match="approvals-paused"):
            stranger(person, address=address)
    mine.type(mine.number)
    mine.approve_by_passkey()
    mine.collect()


def test_a_familiar_browser_leaves_the_phone_in_peace_as_well(person: Candidate, cookie: str) -> None:
    for _ in range(PROMPTS):
        ask(person, familiar=cookie)
        person.world.clock.advance(120)
    assert ask(person, familiar=cookie).view().number == ""


def test_whoever_was_approved_begins_anew(person: Candidate) -> None:
    for _ in range(ASKS + 2):
        asked = ask(person)
        asked.scan(asked.view().qr_link)
        asked.approve_by_passkey()
        asked.collect()


def test_an_asker_of_one_person_is_nobody_to_another(person: Candidate) -> None:
    other = candidate(person.world, "899867004170").enrol(passkey=False)
    for number in range(ASKS):
        stranger(person, number)
    assert ask(other, other.national_id, browser=OTHER, address=FAR).seen() is not None
