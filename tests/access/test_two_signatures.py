"""Whatever the order of acts: no one person restores, no second signature counts twice, nothing old revives."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine

from pro_sante_connect.access import accounts, proposals
from pro_sante_connect.access.permissions import Member
from pro_sante_connect.audit.journal import SYSTEM, Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import decisions, registry, status
from pro_sante_connect.signals import two_signatures
from tests.ecps.people import candidate
from tests.oidc.parties import make_cast
from tests.stores import store
from tests.world import World, make_world


def members(world: World, *names: str) -> list[Member]:
    made = []
    with writing(world.engine) as db:
        for name in names:
            address = f"{name}@registre.example"
            found = accounts.invite(db, email=address, name=name, origin=SYSTEM, chance=world.chance, now=world.now)
            accounts.grant(db, found.account.id, "supervisor", origin=SYSTEM, now=world.now)
            made.append(accounts.member(db, found.account))
    return made


def by(member: Member) -> Origin:
    return Origin(actor=member.actor)


def decide(world: World, person: int, kind: str, member: Member, **terms: Any) -> int:
    with writing(world.engine) as db:
        known = registry.get(db, person)
        made = two_signatures.decide(db, known, kind, member, origin=by(member), now=world.now, reason="ADM", **terms)
        return made.id if made else 0


def close(world: World, number: int, member: Member, *, approve: bool) -> None:
    verb = two_signatures.approve if approve else two_signatures.refuse
    with writing(world.engine) as db:
        verb(db, number, member, word="vu", origin=by(member), now=world.now)


def attempt(act: Callable[[], Any]) -> tuple[Any, str]:
    """What it gave, or the code of its refusal."""
    try:
        return act(), ""
    except Refusal as refusal:
        return None, refusal.code


def enters(world: World, person: int) -> bool:
    with reading(world.engine) as db:
        return status.may_sign_in(registry.standing(db, person), now=world.now)


def test_an_exercice_is_struck_off_by_two_as_it_was_proposed(world: World) -> None:
    author, other = members(world, "rosa", "sam")
    person = make_cast(world).practitioner
    with reading(world.engine) as db:
        [held] = registry.dossier(registry.get(db, person))["exercices"]
    exercice = (held["profession"], held["category"])
    number = decide(world, person, "strike-off", author, exercice=exercice)
    close(world, number, other, approve=True)
    with reading(world.engine) as db:
        made = [(one.kind, one.scope, one.profession, one.category) for one in decisions.of(db, person)]
    assert made == [("suspension", "exercice", *exercice), ("strike-off", "exercice", *exercice)]


def test_a_kind_of_decision_that_there_is_not_is_refused(world: World) -> None:
    [author] = members(world, "rosa")
    person = candidate(world).practitioner
    assert attempt(lambda: decide(world, person, "pardon", author)) == (None, "decision-unknown")


def test_two_approvals_at_once_count_once(world: World) -> None:
    author, *others = members(world, "rosa", "sam", "ines", "paul")
    person = candidate(world).practitioner
    number = decide(world, person, "strike-off", author)
    barrier = Barrier(len(others))

    def approve(member: Member) -> str:
        barrier.wait(20)
        try:
            close(world, number, member, approve=True)
        except Refusal as refusal:
            return refusal.code
        return "approved"

    with ThreadPoolExecutor(len(others)) as hands:
        assert sorted(hands.map(approve, others)) == ["approved", "proposal-closed", "proposal-closed"]
    with reading(world.engine) as db:
        kinds = [one.kind for one in decisions.of(db, person)]
    assert kinds == ["suspension", "strike-off"]


def test_a_proposal_lapses_and_so_does_what_stood_meanwhile(world: World) -> None:
    author, other = members(world, "rosa", "sam")
    person = candidate(world).practitioner
    number = decide(world, person, "suspension", author)
    world.clock.advance(proposals.LIFE.total_seconds())
    assert enters(world, person)
    with pytest.raises(Refusal, match="proposal-closed"):
        close(world, number, other, approve=True)


def test_one_proposal_of_a_kind_waits_at_a_time(world: World) -> None:
    author, other = members(world, "rosa", "sam")
    person = candidate(world).practitioner
    decide(world, person, "suspension", author)
    with pytest.raises(Refusal, match="proposal-pending"):
        decide(world, person, "suspension", other)


def test_a_suspension_dated_ahead_waits_for_its_day(world: World) -> None:
    author, other = members(world, "rosa", "sam")
    person = candidate(world).practitioner
    number = decide(world, person, "suspension", author, effective=world.now + timedelta(days=2))
    assert enters(world, person)
    close(world, number, other, approve=True)
    assert enters(world, person)
    world.clock.advance(2 * 86_400)
    assert not enters(world, person)


def test_a_day_that_came_while_it_waited_is_now(world: World) -> None:
    author, other = members(world, "rosa", "sam")
    person = candidate(world).practitioner
    number = decide(world, person, "strike-off", author, effective=world.now + timedelta(days=2))
    world.clock.advance(3 * 86_400)
    close(world, number, other, approve=True)
    assert not enters(world, person)


class OfTwo(RuleBasedStateMachine):
    """Three members act in any order on one person, and time passes; the model keeps who stopped and who restored."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        folder = self.closing.enter_context(TemporaryDirectory())
        self.engine: Engine = self.closing.enter_context(store("sqlite", Path(folder), "model"))

    def teardown(self) -> None:
        self.closing.close()

    @initialize()
    def begin(self) -> None:
        self.world = make_world(self.engine)
        self.members = members(self.world, "rosa", "sam", "ines")
        self.person = candidate(self.world).practitioner
        self.pending: dict[int, tuple[str, int]] = {}
        self.stopped_for_good = False

    @rule(who=st.integers(0, 2), kind=st.sampled_from(["suspension", "strike-off", "reinstatement"]))
    def propose(self, who: int, kind: str) -> None:
        before = enters(self.world, self.person)
        number, refused = attempt(lambda: decide(self.world, self.person, kind, self.members[who]))
        if refused:
            assert refused == "proposal-pending"
            return
        self.pending[number] = (kind, who)
        assert enters(self.world, self.person) == (before and kind == "reinstatement")

    @precondition(lambda self: bool(self.pending))
    @rule(who=st.integers(0, 2), data=st.data(), approve=st.booleans())
    def answer(self, who: int, data: Any, approve: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.pending)))
        kind, author = self.pending[number]
        before = enters(self.world, self.person)
        _, refused = attempt(lambda: close(self.world, number, self.members[who], approve=approve))
        if refused:
            assert refused in ("own-proposal", "proposal-closed", "not-suspended")
            assert (refused == "own-proposal") == (who == author)
            assert enters(self.world, self.person) == before
            return
        assert who != author
        del self.pending[number]
        if approve:
            assert enters(self.world, self.person) == (kind == "reinstatement")
            self.stopped_for_good = kind == "strike-off" or (self.stopped_for_good and kind != "reinstatement")

    @rule(days=st.sampled_from([1, 3, 8]))
    def wait(self, days: int) -> None:
        self.world.clock.advance(days * 86_400)

    @invariant()
    def a_confirmed_strike_off_stands(self) -> None:
        if getattr(self, "stopped_for_good", False):
            assert not enters(self.world, self.person)


TestOfTwo = OfTwo.TestCase
# Each run migrates a store of its own.
TestOfTwo.settings = settings(max_examples=12, stateful_step_count=20)
