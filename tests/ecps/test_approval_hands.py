"""Phone approval in wrong hands, stopped midway, or by several hands at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import approval
from pro_sante_connect.ecps.attempts import LIMIT, QUICK, pause_after
from pro_sante_connect.ecps.models import Passkey
from pro_sante_connect.signals import withdrawal
from tests.ecps.people import BROWSER, Candidate, candidate, events, suspend, winners
from tests.ecps.requests import OTHER, Asked, ask, wrong
from tests.world import FrozenClock, World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


@pytest.fixture
def asked(person: Candidate) -> Asked:
    return ask(person)


def test_another_phone_does_not_answer_and_the_journal_knows(person: Candidate) -> None:
    other = candidate(person.world, "899867004170").enrol(passkey=False)
    asked = ask(person)
    theirs = Asked(other, asked.id)
    for act in (lambda: theirs.type(asked.number), theirs.refuse, lambda: theirs.scan(asked.view().qr_link)):
        with pytest.raises(Refusal, match="approval-unknown"):
            act()
    assert events(other).count("approval:misdirected") == 3
    assert asked.view().state == "pending"


def test_an_invented_request_is_unknown_and_nobody_is_blamed(person: Candidate) -> None:
    with pytest.raises(Refusal, match="approval-unknown"):
        Asked(person, "x" * 32).refuse()
    assert "approval:misdirected" not in events(person)


class Meddler(FrozenClock):
    """Something happens at the n-th look at the clock."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        super().__init__()
        self.looks, self.when, self.act = 0, at, act

    def now(self) -> datetime:
        self.looks += 1
        if self.looks == self.when:
            self.act()
        return super().now()


def test_a_refusal_between_the_number_and_its_check_wins(asked: Asked) -> None:
    number = asked.number
    late = replace(asked.person, world=replace_clock(asked.person.world, Meddler(3, asked.refuse)))
    late.world.clock.at = asked.person.world.now
    with pytest.raises(Refusal, match="approval-closed"):
        Asked(late, asked.id).type(number)
    assert asked.view().state == "refused"


def replace_clock(world: World, clock: FrozenClock) -> World:
    return World(replace(world.dep, clock=clock), clock, world.chance)


def test_a_browser_that_is_no_phone_answers_nothing(asked: Asked) -> None:
    stranger = Asked(replace(asked.person, phone="x" * 43), asked.id)
    for act in (lambda: stranger.type(asked.number), stranger.refuse, lambda: stranger.scan(asked.view().qr_link)):
        with pytest.raises(Refusal, match="phone-unknown"):
            act()
    with pytest.raises(Refusal, match="approval-unknown"):
        asked.view(OTHER)


@pytest.mark.parametrize("when", ["pending", "matched", "approved"])
def test_a_suspension_stops_a_request_at_every_stage(asked: Asked, when: str) -> None:
    if when != "pending":
        asked.type(asked.number)
    if when == "approved":
        asked.approve()
    number = "000000" if when != "pending" else asked.number
    suspend(asked.person)
    if when == "pending":
        asked.type(number)
    with pytest.raises(Refusal, match="sign-in-stopped"):
        (asked.collect if when == "approved" else asked.approve)()
    with pytest.raises(Refusal, match=r"approval-(killed|collected)"):
        asked.collect()


def test_a_frozen_card_kills_what_waits(asked: Asked) -> None:
    asked.type(asked.number)
    asked.approve()
    withdrawal.freeze(asked.person.dep, asked.person.practitioner, origin=BROWSER)
    with pytest.raises(Refusal, match="approval-killed"):
        asked.collect()


def test_wrong_codes_on_the_phone_are_counted_paused_and_told(asked: Asked) -> None:
    asked.type(asked.number)
    for left in range(QUICK - 1, 0, -1):
        with pytest.raises(Refusal, match="pin-wrong") as refused:
            asked.approve("0000")
        assert refused.value.facts == {"tries_left": left}
    with pytest.raises(Refusal, match="pin-paused"):
        asked.approve("x")
    with pytest.raises(Refusal, match="pin-paused"):
        asked.approve()
    asked.person.world.clock.advance(30)
    asked.approve()


def test_a_hundred_wrong_codes_or_numbers_disable_the_way(person: Candidate) -> None:
    clock = person.world.clock
    for attempt in range(1, LIMIT + 1):
        asked = ask(person)
        asked.scan(asked.view().qr_link)
        with pytest.raises(Refusal):
            asked.approve("0000")
        clock.advance(600 + (pause_after(attempt) or clock.now() - clock.now()).total_seconds())
        asked = ask(person)
        with pytest.raises(Refusal):
            asked.type(wrong(asked.number))
        clock.advance(600 + (pause_after(attempt) or clock.now() - clock.now()).total_seconds())
    assert events(person).count("means:disabled") == 2
    asked = ask(person)
    with pytest.raises(Refusal, match="approvals-paused"):
        asked.type(asked.number)


def test_the_passkey_of_the_phone_approves_this_request_only(person: Candidate) -> None:
    asked = ask(person)
    asked.type(asked.number)
    credential = person.answer(approval.start_proof(person.dep, person.phone, asked.id))
    newer = ask(person)
    newer.type(newer.number)
    with pytest.raises(Refusal, match="passkey-refused"):
        approval.approve_with_passkey(
            person.dep, person.phone, newer.id, credential, ended=withdrawal.end_sessions, origin=BROWSER
        )
    newer.approve_by_passkey()


def test_a_copied_passkey_approves_nothing(asked: Asked) -> None:
    asked.type(asked.number)
    with writing(asked.person.world.engine) as db:
        db.execute(update(Passkey).values(sign_count=5))
    with pytest.raises(Refusal, match="passkey-set-aside"):
        asked.approve_by_passkey()
    with pytest.raises(Refusal, match="passkey-missing"):
        approval.start_proof(asked.person.dep, asked.person.phone, asked.id)


@pytest.mark.parametrize("act", ["approve", "refuse", "collect"])
def test_of_ten_hands_one_wins(asked: Asked, act: str) -> None:
    asked.type(asked.number)
    if act == "collect":
        asked.approve()

    assert winners(getattr(asked, act)) == 1


def test_of_ten_scans_at_once_one_matches(asked: Asked) -> None:
    link = asked.view().qr_link

    assert winners(lambda: asked.scan(link)) == 1


def test_approve_and_refuse_at_once_have_one_end(asked: Asked) -> None:
    asked.type(asked.number)

    def do(act: Callable[[], Any]) -> bool:
        try:
            act()
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(do, [asked.approve, asked.refuse]))
    assert done.count(True) == 1
    assert asked.view().state == ("approved" if done[0] else "refused")
