"""Measurements → tables in Markdown."""

import argparse
import os
from dataclasses import dataclass
from statistics import median

from benchmarks import imports
from benchmarks.load import Measured
from benchmarks.races import Raced
from benchmarks.works import WORKS

OURS = ("ours, sqlite", "ours, postgresql")
MEMORY, DATABASE = "node_oidc_provider, memory", "node_oidc_provider, postgresql"
# What performs the same work, and how many times cheaper ours should be (a first release's targets).
CHEAPER = (
    ("code", OURS[0], MEMORY, {"RS256": 1.0, "ES256": 1.15}),
    ("refresh", OURS[0], MEMORY, {"RS256": 1.0, "ES256": 1.15}),
    ("code", OURS[1], DATABASE, {"RS256": 2.5, "ES256": 2.5}),
    ("refresh", OURS[1], DATABASE, {"RS256": 2.5, "ES256": 2.5}),
    ("userinfo", OURS[0], MEMORY, {"RS256": 2.0, "ES256": 2.0}),
    ("introspection", OURS[0], MEMORY, {"RS256": 2.0, "ES256": 2.0}),
    ("discovery", OURS[0], MEMORY, {"RS256": 2.0, "ES256": 2.0}),
    ("jwks", OURS[0], MEMORY, {"RS256": 2.0, "ES256": 2.0}),
    ("code", OURS[0], "authlib_orm, sqlite", {"RS256": 4.0, "ES256": 4.0}),
    ("code", OURS[1], "django_oauth_toolkit, postgresql", {"RS256": 10.0}),
    ("code", OURS[0], "idpyoidc, memory", {"RS256": 2.5, "ES256": 2.5}),
)
# How many times the least that the same signatures and one durable write cost ours may be.
BOUND = ((OURS[0], "bound, sqlite"), (OURS[1], "bound, postgresql"))
TIMES_THE_BOUND = {"RS256": 1.8, "ES256": 2.2}
NOTE = "Bold: reached. †: the target asks for less than the signatures and the durable write alone cost here."
MOST_MILLISECONDS, MOST_MEGABYTES, LEAST_SIGN_INS = 25.0, 120.0, 60.0


@dataclass
class Results:
    """Everything one run found."""

    batches: dict[tuple[str, str, str], list[Measured]]
    memory: dict[tuple[str, str], float]
    races: dict[str, Raced]
    imports: dict[str, dict[str, float]]
    signed_in: dict[tuple[str, str], list[float]]

    @property
    def algorithms(self) -> list[str]:
        return list(dict.fromkeys(key[0] for key in self.batches))

    def p99(self, algorithm: str, label: str) -> float | None:
        """Milliseconds of a code, median of the rounds."""
        found = self.batches.get((algorithm, label, "code"), [])
        return median(one.p99 for one in found) if found else None

    def megabytes(self, algorithm: str, label: str) -> float | None:
        return self.memory.get((algorithm, label))

    def sign_ins(self, algorithm: str, label: str) -> float | None:
        """Per second of one core, from the median cost of one."""
        found = self.signed_in.get((algorithm, label))
        return 1e6 / median(found) if found else None

    def add(self, algorithm: str, label: str, work: str, found: Measured) -> None:
        self.batches[algorithm, label, work].append(found)

    def cpu(self, algorithm: str, label: str, work: str) -> float | None:
        """Microseconds a request, median of the rounds; None where nothing was measured or answers failed."""
        found = self.batches.get((algorithm, label, work), [])
        good = [one.cpu for one in found if not one.failures]
        return median(good) if good else None


def text(results: Results, chosen: argparse.Namespace) -> str:
    """The page `docs/performance.md`."""
    parts = [
        "# How fast",
        "",
        "Written by `make bench`; do not edit. CPU microseconds a request, server and database together: medians of",
        f"{chosen.rounds} interleaved rounds of {chosen.requests} requests over 8 connections, {os.cpu_count()} cores."
        " The machine is shared,",
        "so only ratios of one run mean something. Ours is `psc serve` with one web worker: durable writes,",
        "liveness read at each use, journal written. A token answer carries two signatures of the named algorithm.",
        "`bound` parses the request, signs twice and makes one durable write, in the same server.",
        "",
    ]
    for algorithm in results.algorithms:
        parts += [f"## {algorithm}", "", *_costs(results, algorithm), ""]
    parts += ["## Targets of a first release", "", *targets(results), "", NOTE, ""]
    parts += ["## One-time values used four times at once", "", *_races(results), ""]
    parts += ["## Registry load", "", *imports.table(results.imports), ""]
    return "\n".join(parts)


def targets(results: Results) -> list[str]:
    """Every target, what was measured, and whether it was reached: the README's table too."""
    rows = [
        "| | " + " | ".join(results.algorithms) + " | target |",
        "|---|" + "---:|" * (len(results.algorithms) + 1),
    ]
    for work, mine, theirs, wanted in CHEAPER:
        cells = [
            _times(results, algorithm, work, (theirs, mine), wanted)
            + _below_the_bound(results, algorithm, work, (theirs, mine), wanted)
            for algorithm in results.algorithms
        ]
        least = " / ".join(f"{wanted[one]:g}" for one in results.algorithms if one in wanted)
        rows.append(_row(f"{work}, {_store(mine)}: times cheaper than {theirs}", cells, f"≥ {least}"))
    for mine, bound in BOUND:
        cells = [_times(results, one, "code", (mine, bound), TIMES_THE_BOUND, most=True) for one in results.algorithms]
        most = " / ".join(f"{TIMES_THE_BOUND[one]:g}" for one in results.algorithms)
        rows.append(_row(f"code, {_store(mine)}: times the cost of the bound", cells, f"≤ {most}"))
    for mine in OURS:
        for name, found, limit, most in (
            ("p99 of a code at 8 connections, ms", results.p99, MOST_MILLISECONDS, True),
            ("memory of a worker, MB", results.megabytes, MOST_MEGABYTES, True),
            ("passkey sign-ins, per second and core", results.sign_ins, LEAST_SIGN_INS, False),
        ):
            cells = [_cell(found(one, mine), limit, most=most, digits=0) for one in results.algorithms]
            rows.append(_row(f"{name}, {_store(mine)}", cells, f"{'≤' if most else '≥'} {limit:g}"))
    return rows


def _row(name: str, cells: list[str], target: str) -> str:
    return f"| {name} | " + " | ".join(cells) + f" | {target} |"


def _store(label: str) -> str:
    return label.partition(", ")[2]


def _times(
    results: Results, algorithm: str, work: str, pair: tuple[str, str], wanted: dict[str, float], *, most: bool = False
) -> str:
    over, under = (results.cpu(algorithm, label, work) for label in pair)
    if over is None or under is None or algorithm not in wanted:
        return "–"
    return _cell(over / under, wanted[algorithm], most=most, digits=2)


def _below_the_bound(
    results: Results, algorithm: str, work: str, pair: tuple[str, str], wanted: dict[str, float]
) -> str:
    """A mark where the target asks for less than the signatures and the durable write alone cost."""
    theirs = results.cpu(algorithm, pair[0], work)
    bound = results.cpu(algorithm, dict(BOUND)[pair[1]], "code")
    asked = work in ("code", "refresh") and theirs is not None and bound is not None and algorithm in wanted
    return " †" if asked and theirs / wanted[algorithm] < bound else ""


def _cell(value: float | None, limit: float, *, most: bool, digits: int) -> str:
    """The figure, in bold where the target was reached."""
    if value is None:
        return "–"
    shown = f"{value:.{digits}f}"
    return f"**{shown}**" if (value <= limit if most else value >= limit) else shown


def _costs(results: Results, algorithm: str) -> list[str]:
    labels = list(dict.fromkeys(key[1] for key in results.batches if key[0] == algorithm))
    rows = [
        "| server, one process | " + " | ".join(WORKS) + " | code p50 / p99, ms | requests/s | MB |",
        "|---|" + "---:|" * (len(WORKS) + 3),
    ]
    for label in labels:
        costs = [_number(results.cpu(algorithm, label, work)) for work in WORKS]
        codes = results.batches[algorithm, label, "code"]
        p50, p99 = median(one.p50 for one in codes), median(one.p99 for one in codes)
        rate = median(one.requests / one.wall for one in codes)
        held = results.memory.get((algorithm, label), 0.0)
        rows.append(f"| {label} | " + " | ".join(costs) + f" | {p50:.1f} / {p99:.1f} | {rate:.0f} | {held:.0f} |")
    return rows


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _races(results: Results) -> list[str]:
    rows = [
        "| server | values | codes honoured twice | refresh tokens honoured twice | 5xx |",
        "|---|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {label} | {one.values} | {one.codes} | {one.refreshes} | {one.defects} |"
        for label, one in results.races.items()
    ]
    return rows
