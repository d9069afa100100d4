"""May a load be applied, must a human look, or is it refused? Pure.

Every threshold is a setting and the comparison is strict: exactly 1 % passes, one person more holds.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pro_sante_connect.settings import Import


class Outcome(StrEnum):
    APPLY = "apply"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(slots=True)
class People:
    """One identifier type: how many the registry held, how many of them vanished or changed."""

    previous: int = 0
    absent: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a load would do."""

    rows: int
    rejected: int
    by_type: dict[str, People] = field(default_factory=dict)
    unknown_codes: dict[str, int] = field(default_factory=dict)
    unread_thrice: int = 0
    truncated: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Reasons are pairs of a stable code and its facts."""

    outcome: Outcome
    reasons: tuple[tuple[str, dict[str, Any]], ...] = ()


def verdict(figures: Figures, limits: Import) -> Verdict:
    """The decision on a load that was read and compared."""
    refused = _refusals(figures, limits)
    if refused:
        return Verdict(Outcome.REFUSE, tuple(refused))
    held = _holds(figures, limits)
    return Verdict(Outcome.HOLD, tuple(held)) if held else Verdict(Outcome.APPLY)


def _refusals(figures: Figures, limits: Import) -> list[tuple[str, dict[str, Any]]]:
    reasons: list[tuple[str, dict[str, Any]]] = []
    if figures.truncated:
        reasons.append(("truncated", {"file": figures.truncated}))
    if figures.rows < limits.min_rows:
        reasons.append(("too-few-rows", {"rows": figures.rows, "floor": limits.min_rows}))
    return reasons


def _holds(figures: Figures, limits: Import) -> list[tuple[str, dict[str, Any]]]:
    reasons: list[tuple[str, dict[str, Any]]] = []
    if _over(figures.rejected, figures.rows, limits.max_rejected):
        reasons.append(("many-rejected", {"count": figures.rejected, "of": figures.rows}))
    for id_type, people in sorted(figures.by_type.items()):
        # A first load has no former state to compare with.
        facts = {"type": id_type, "of": people.previous}
        if _over(people.absent, people.previous, limits.max_absent):
            reasons.append(("many-absent", {"count": people.absent} | facts))
        if _over(people.changed, people.previous, limits.max_changed):
            reasons.append(("many-changed", {"count": people.changed} | facts))
    for code, count in sorted(figures.unknown_codes.items()):
        if count >= limits.max_unknown_code:
            reasons.append(("new-code", {"code": code, "count": count}))
    if figures.unread_thrice:
        reasons.append(("unread-thrice", {"count": figures.unread_thrice}))
    return reasons


def _over(count: int, whole: int, per_mille: float) -> bool:
    return whole > 0 and count * 1000 > per_mille * whole
