"""Presence and decisions make a status, as a function of time. Pure.

    presence   written by imports      present_since, absent_since
    decisions  written by staff only   blocks, each with a scope and an interval [blocks_from, blocks_until)
    status     computed, never stored

An interval that is lifted at the instant it begins still breaks what was alive before that instant.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a decision weighs on."""

    PERSON = "person"
    EXERCICE = "exercice"
    ACTIVITE = "activite"


class Kind(StrEnum):
    """What a decision is."""

    SUSPENSION = "suspension"
    STRIKE_OFF = "strike-off"
    RETIREMENT = "retirement"
    DEATH = "death"
    LIMIT = "limit"
    SECURITY_BLOCK = "security-block"


class Status(StrEnum):
    """What a person is at a moment."""

    REGISTERED = "registered"
    SUSPENDED = "suspended"
    STRUCK_OFF = "struck-off"
    RETIRED = "retired"
    DECEASED = "deceased"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Block:
    """One blocking interval; `blocks_until` is already the earlier of the decision's end and its lifting."""

    scope: Scope
    profession: str | None
    category: str | None
    activite: int | None
    blocks_from: datetime
    blocks_until: datetime | None
    kind: Kind = Kind.SUSPENSION

    def in_force(self, now: datetime) -> bool:
        return self.blocks_from <= now and (self.blocks_until is None or now < self.blocks_until)

    def struck(self, instant: datetime) -> bool:
        """In force, or begun and lifted at that very instant."""
        return self.in_force(instant) or self.blocks_from == self.blocks_until == instant

    def breaks(self, since: datetime, now: datetime) -> bool:
        """Whether it weighed at any instant after `since`, `now` included, or still does."""
        if self.blocks_until is None:
            return self.blocks_from <= now
        return self.blocks_from <= now and self.blocks_from <= self.blocks_until and since < self.blocks_until

    def on_exercice(self, profession: str, category: str) -> bool:
        return self.scope is Scope.EXERCICE and (self.profession, self.category) == (profession, category)


@dataclass(frozen=True, slots=True)
class Presence:
    """Since when the registry holds the person without a gap; a protected person is never absent."""

    present_since: datetime
    absent_since: datetime | None = None

    def at(self, now: datetime) -> bool:
        return self.present_since <= now and (self.absent_since is None or now < self.absent_since)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides whether a person may sign in."""

    presence: Presence
    blocks: tuple[Block, ...]
    exercices: tuple[tuple[str, str], ...]


# The gravest first: a person struck off and suspended is struck off.
_GRAVITY = (
    (Kind.DEATH, Status.DECEASED),
    (Kind.STRIKE_OFF, Status.STRUCK_OFF),
    (Kind.RETIREMENT, Status.RETIRED),
)

_ENDING = {kind for kind, _ in _GRAVITY}


def _weighing(standing: Standing, instant: datetime) -> list[Block]:
    """The blocks that keep the person out at that instant; none when she may enter, presence apart."""
    struck = [block for block in standing.blocks if block.struck(instant)]
    person = [block for block in struck if block.scope is Scope.PERSON]
    if person or not standing.exercices:
        return person
    stopped: list[Block] = []
    for profession, category in standing.exercices:
        here = [block for block in struck if block.on_exercice(profession, category)]
        if not here:
            return []
        stopped += here
    return stopped


def _settled(standing: Standing, now: datetime) -> Standing:
    """Without intervals of no length, which only matter to what was alive before them."""
    blocks = tuple(block for block in standing.blocks if block.in_force(now))
    return Standing(standing.presence, blocks, standing.exercices)


def may_sign_in(standing: Standing, *, now: datetime) -> bool:
    """Present, and not stopped as a person nor in every exercice."""
    return standing.presence.at(now) and not _weighing(_settled(standing, now), now)


def unbroken(standing: Standing, *, since: datetime, now: datetime) -> bool:
    """May sign in at every instant from `since` to `now`: what began at `since` is still alive."""
    if not may_sign_in(standing, now=since) or not standing.presence.at(now):
        return False
    # Being kept out begins where some block begins.
    instants = {block.blocks_from for block in standing.blocks if since < block.blocks_from <= now}
    return not any(_weighing(standing, instant) for instant in instants)


def practice_over(standing: Standing, *, now: datetime) -> bool:
    """Out for good, as a person or in every exercice: her means end, they are not only closed for a while."""
    ending = tuple(block for block in standing.blocks if block.kind in _ENDING and block.in_force(now))
    return bool(_weighing(Standing(standing.presence, ending, standing.exercices), now))


def exercice_blocked(standing: Standing, profession: str, category: str, *, since: datetime, now: datetime) -> bool:
    """Whether a decision weighed on that exercice at any instant from `since` to `now`."""
    return any(block.on_exercice(profession, category) and block.breaks(since, now) for block in standing.blocks)


def activite_usable(
    standing: Standing,
    *,
    activite: int,
    profession: str,
    category: str,
    ended_at: datetime | None,
    since: datetime,
    now: datetime,
) -> bool:
    """Open, and neither it, its exercice nor its person was stopped from `since` to `now`."""
    if ended_at is not None and ended_at <= now:
        return False
    if not unbroken(standing, since=since, now=now):
        return False
    if exercice_blocked(standing, profession, category, since=since, now=now):
        return False
    return not any(
        block.scope is Scope.ACTIVITE and block.activite == activite and block.breaks(since, now)
        for block in standing.blocks
    )


def status(standing: Standing, *, now: datetime) -> Status:
    """What the person is at `now`."""
    kinds = {block.kind for block in _weighing(_settled(standing, now), now)}
    for kind, outcome in _GRAVITY:
        if kind in kinds:
            return outcome
    if kinds:
        return Status.SUSPENDED
    return Status.REGISTERED if standing.presence.at(now) else Status.ABSENT
