"""What presence and decisions make of a person at every moment, against a slow second opinion."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.rpps.status import (
    Block,
    Kind,
    Presence,
    Scope,
    Standing,
    Status,
    activite_usable,
    exercice_blocked,
    may_sign_in,
    practice_over,
    status,
    unbroken,
)
from tests.world import START

DOCTOR, NURSE = ("10", "C"), ("60", "C")
HORIZON = 8
HOURS = st.integers(0, HORIZON)
ACTIVITE = 7


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def block(
    start: int,
    end: int | None = None,
    *,
    exercice: tuple[str, str] | None = None,
    activite: int | None = None,
    kind: Kind = Kind.SUSPENSION,
) -> Block:
    scope = Scope.EXERCICE if exercice else Scope.ACTIVITE if activite else Scope.PERSON
    profession, category = exercice or (None, None)
    until = None if end is None else at(end)
    return Block(scope, profession, category, activite, at(start), until, kind)


def standing(*blocks: Block, exercices: tuple[tuple[str, str], ...] = (DOCTOR,), absent: int | None = None) -> Standing:
    return Standing(Presence(at(0), None if absent is None else at(absent)), blocks, exercices)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    start = draw(HOURS)
    end = draw(st.none() | st.integers(start, HORIZON))
    where = draw(st.sampled_from(["person", "doctor", "nurse", "activite"]))
    exercice = {"doctor": DOCTOR, "nurse": NURSE}.get(where)
    activite = ACTIVITE if where == "activite" else None
    return block(start, end, exercice=exercice, activite=activite, kind=draw(st.sampled_from(Kind)))


STANDINGS = st.builds(
    lambda presence, some, exercices: Standing(presence, tuple(some), exercices),
    st.builds(lambda since, gone: Presence(at(since), gone and at(gone)), HOURS, st.none() | st.integers(1, HORIZON)),
    st.lists(blocks(), max_size=4),
    st.sampled_from([(), (DOCTOR,), (DOCTOR, NURSE)]),
)
SPANS = st.tuples(HOURS, HOURS).map(sorted)


def weighs(one: Block, hour: int, *, first: bool) -> bool:
    """In force; or begun and lifted at once, which only stops what began before."""
    if one.blocks_until == one.blocks_from:
        return not first and one.blocks_from == at(hour)
    return one.blocks_from <= at(hour) and (one.blocks_until is None or at(hour) < one.blocks_until)


def kept_out(one: Standing, hour: int, *, first: bool = True) -> bool:
    stopping = [item for item in one.blocks if weighs(item, hour, first=first)]
    stopped = {(item.profession, item.category) for item in stopping if item.scope is Scope.EXERCICE}
    return any(item.scope is Scope.PERSON for item in stopping) or bool(one.exercices and stopped >= {*one.exercices})


def present(one: Standing, hour: int) -> bool:
    gone = one.presence.absent_since
    return one.presence.present_since <= at(hour) and (gone is None or at(hour) < gone)


@given(STANDINGS, HOURS)
def test_who_is_present_and_not_stopped_may_sign_in(one: Standing, hour: int) -> None:
    assert may_sign_in(one, now=at(hour)) == (present(one, hour) and not kept_out(one, hour))


@given(STANDINGS, HOURS)
def test_only_registered_people_may_sign_in(one: Standing, hour: int) -> None:
    assert may_sign_in(one, now=at(hour)) == (status(one, now=at(hour)) is Status.REGISTERED)


@given(STANDINGS, SPANS)
def test_a_session_lives_while_the_person_might_have_signed_in_all_along(one: Standing, span: list[int]) -> None:
    since, now = span
    alive = all(present(one, hour) and not kept_out(one, hour, first=hour == since) for hour in range(since, now + 1))
    assert unbroken(one, since=at(since), now=at(now)) == alive


@given(STANDINGS, SPANS)
def test_what_was_once_broken_never_revives(one: Standing, span: list[int]) -> None:
    since, now = span
    alive = [unbroken(one, since=at(since), now=at(hour)) for hour in range(since, now + 1)]
    assert alive == sorted(alive, reverse=True)


@given(STANDINGS, blocks(), SPANS)
def test_one_more_decision_never_opens_a_door(one: Standing, more: Block, span: list[int]) -> None:
    since, now = (at(hour) for hour in span)
    worse = replace(one, blocks=(*one.blocks, more))
    assert may_sign_in(one, now=now) or not may_sign_in(worse, now=now)
    assert unbroken(one, since=since, now=now) or not unbroken(worse, since=since, now=now)


@given(STANDINGS, SPANS)
def test_an_exercice_is_blocked_by_any_decision_that_weighed_on_it(one: Standing, span: list[int]) -> None:
    since, now = span
    weighed = any(
        weighs(item, hour, first=hour == since)
        for item in one.blocks
        if (item.profession, item.category) == DOCTOR
        for hour in range(since, now + 1)
    )
    assert exercice_blocked(one, *DOCTOR, since=at(since), now=at(now)) == weighed


def usable(one: Standing, since: int, now: int, *, activite: int = ACTIVITE, ended: int | None = None) -> bool:
    gone = None if ended is None else at(ended)
    return activite_usable(
        one, activite=activite, profession="10", category="C", ended_at=gone, since=at(since), now=at(now)
    )


@given(STANDINGS, SPANS)
def test_a_usable_activity_needs_its_person_its_exercice_and_itself_free(one: Standing, span: list[int]) -> None:
    since, now = span
    itself = any(
        weighs(item, hour, first=hour == since)
        for item in one.blocks
        if item.activite == ACTIVITE
        for hour in range(since, now + 1)
    )
    free = unbroken(one, since=at(since), now=at(now)) and not itself
    expected = free and not exercice_blocked(one, *DOCTOR, since=at(since), now=at(now))
    assert usable(one, since, now) == expected


def test_an_activity_is_usable_until_the_instant_it_ends() -> None:
    assert usable(standing(), 0, 2, ended=3)
    assert not usable(standing(), 0, 3, ended=3)


def test_a_decision_on_one_activity_leaves_the_others_and_the_person_alone() -> None:
    one = standing(block(1, activite=ACTIVITE))
    assert not usable(one, 0, 2)
    assert usable(one, 0, 2, activite=8)
    assert may_sign_in(one, now=at(2))


def test_one_exercice_stopped_of_two_leaves_the_door_open() -> None:
    half = standing(block(1, exercice=DOCTOR), exercices=(DOCTOR, NURSE))
    assert may_sign_in(half, now=at(2))
    assert not usable(half, 0, 2)
    both = replace(half, blocks=(*half.blocks, block(2, exercice=NURSE)))
    assert not may_sign_in(both, now=at(2))


def test_two_decisions_that_never_weigh_together_do_not_break_a_session() -> None:
    both = (DOCTOR, NURSE)
    apart = standing(block(1, 2, exercice=DOCTOR), block(2, 3, exercice=NURSE), exercices=both)
    together = standing(block(1, 3, exercice=DOCTOR), block(2, 3, exercice=NURSE), exercices=both)
    assert unbroken(apart, since=at(0), now=at(4))
    assert not unbroken(together, since=at(0), now=at(4))


def test_a_decision_lifted_at_once_ends_sessions_but_not_the_next_one() -> None:
    one = standing(block(2, 2))
    assert not unbroken(one, since=at(1), now=at(3))
    assert unbroken(one, since=at(2), now=at(3))
    assert may_sign_in(one, now=at(2))


def test_a_decision_bites_from_its_first_instant_and_no_longer_at_its_end() -> None:
    one = standing(block(2, 4))
    assert [may_sign_in(one, now=at(hour)) for hour in (1.99, 2, 3.99, 4)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), Status.REGISTERED),
        ((Kind.SUSPENSION,), Status.SUSPENDED),
        ((Kind.LIMIT,), Status.SUSPENDED),
        ((Kind.SECURITY_BLOCK,), Status.SUSPENDED),
        ((Kind.SUSPENSION, Kind.RETIREMENT), Status.RETIRED),
        ((Kind.RETIREMENT, Kind.STRIKE_OFF), Status.STRUCK_OFF),
        ((Kind.STRIKE_OFF, Kind.SUSPENSION, Kind.DEATH), Status.DECEASED),
    ],
)
def test_the_gravest_decision_names_the_status(kinds: tuple[Kind, ...], expected: Status) -> None:
    assert status(standing(*(block(1, kind=kind) for kind in kinds)), now=at(2)) is expected


def test_absence_is_told_only_of_people_whom_no_decision_stops() -> None:
    assert status(standing(absent=2), now=at(2)) is Status.ABSENT
    assert status(standing(block(1, kind=Kind.STRIKE_OFF), absent=2), now=at(2)) is Status.STRUCK_OFF
    assert not may_sign_in(standing(absent=2), now=at(2))


@pytest.mark.parametrize(
    ("blocks", "over"),
    [
        ([block(1, kind=Kind.STRIKE_OFF)], True),
        ([block(1, kind=Kind.RETIREMENT)], True),
        ([block(1, kind=Kind.DEATH)], True),
        ([block(1), block(1, kind=Kind.LIMIT), block(1, kind=Kind.SECURITY_BLOCK)], False),
        ([block(3, kind=Kind.STRIKE_OFF)], False),
        ([block(1, 2, kind=Kind.STRIKE_OFF)], False),
        ([block(2, 2, kind=Kind.STRIKE_OFF)], False),
        ([block(1, exercice=DOCTOR, kind=Kind.STRIKE_OFF)], False),
        ([block(1, exercice=DOCTOR, kind=Kind.STRIKE_OFF), block(1, exercice=NURSE)], False),
        ([block(1, exercice=DOCTOR, kind=Kind.STRIKE_OFF), block(1, exercice=NURSE, kind=Kind.RETIREMENT)], True),
        ([block(1, activite=ACTIVITE, kind=Kind.STRIKE_OFF)], False),
    ],
)
def test_a_practice_is_over_when_nothing_of_it_can_come_back(blocks: list[Block], over: bool) -> None:
    assert practice_over(standing(*blocks, exercices=(DOCTOR, NURSE)), now=at(2)) is over
