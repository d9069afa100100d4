"""Phone approval, any order of acts."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pro_sante_connect.core.errors import Refusal
from tests.ecps.people import CODE, candidate
from tests.ecps.requests import COMPUTER, OTHER, Asked, ask, wrong
from tests.world import World


class Walk(RuleBasedStateMachine):
    """Any order of acts: an authentication comes out only of number, proof and collect, and once per request."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.person = candidate(self.world, f"8998{self.world.chance.digits(8)}").enrol(passkey=False)
        self.asked: Asked | None = None
        self.reached: set[str] = set()
        self.collected = 0

    @rule()
    def start(self) -> None:
        self.person.world.clock.advance(200)
        self.refused(lambda: setattr(self, "asked", ask(self.person, self.person.national_id)))
        self.reached, self.collected = set(), 0

    @precondition(lambda self: self.asked)
    @rule(right=st.booleans())
    def type(self, right: bool) -> None:
        assert self.asked is not None
        number = self.asked.number
        if self.refused(lambda: self.asked.type(number if right else wrong(number or "000000"))):
            return
        assert right
        self.reached.add("number")

    @precondition(lambda self: self.asked)
    @rule(right=st.booleans())
    def approve(self, right: bool) -> None:
        if not self.refused(lambda: self.asked.approve(CODE if right else "0000")):
            assert right
            assert "number" in self.reached
            self.reached.add("proof")

    @precondition(lambda self: self.asked)
    @rule()
    def refuse(self) -> None:
        if not self.refused(self.asked.refuse):
            assert "proof" not in self.reached
            self.reached.add("over")

    @precondition(lambda self: self.asked)
    @rule(mine=st.booleans())
    def collect(self, mine: bool) -> None:
        if not self.refused(lambda: self.asked.collect(COMPUTER if mine else OTHER)):
            assert mine
            assert "proof" in self.reached
            assert "over" not in self.reached
            self.collected += 1

    @rule(seconds=st.sampled_from([1, 60, 700]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @invariant()
    def at_most_once(self) -> None:
        assert self.collected <= 1

    @staticmethod
    def refused(act: Callable[[], Any]) -> bool:
        try:
            act()
        except Refusal:
            return True
        return False


def test_no_order_of_acts_opens_without_number_and_proof(world: World) -> None:
    machine = type("WalkHere", (Walk,), {"world": world})
    case = machine.TestCase
    case.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
    case().runTest()
