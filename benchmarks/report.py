"""Measurements → tables in Markdown."""

import argparse
import os
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Measured
from benchmarks.races import Raced
from benchmarks.works import WORKS

OURS = ("ours, sqlite", "ours, postgresql")
TARGETS = (
    ("code", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 1.0, "ES256": 1.15}),
    ("refresh", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 1.0, "ES256": 1.15}),
    ("code", "ours, postgresql", "node_oidc_provider, postgresql", {"RS256": 2.5, "ES256": 2.5}),
    ("refresh", "ours, postgresql", "node_oidc_provider, postgresql", {"RS256": 2.5, "ES256": 2.5}),
    ("userinfo", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 2.0, "ES256": 2.0}),
    ("introspection", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 2.0, "ES256": 2.0}),
    ("discovery", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 2.0, "ES256": 2.0}),
    ("jwks", "ours, sqlite", "node_oidc_provider, memory", {"RS256": 2.0, "ES256": 2.0}),
    ("code", "ours, sqlite", "authlib_orm, sqlite", {"RS256": 4.0, "ES256": 4.0}),
    ("code", "ours, postgresql", "django_oauth_toolkit, postgresql", {"RS256": 10.0}),
    ("code", "ours, sqlite", "idpyoidc, memory", {"RS256": 2.5, "ES256": 2.5}),
    ("code", "ours, sqlite", "bound, sqlite", {"RS256": 1 / 1.8, "ES256": 1 / 2.2}),
    ("code", "ours, postgresql", "bound, postgresql", {"RS256": 1 / 1.8, "ES256": 1 / 2.2}),
)  # fmt: skip


@dataclass
class Results:
    """Everything one run found."""

    batches: dict[tuple[str, str, str], list[Measured]]
    memory: dict[tuple[str, str], float]
    races: dict[str, Raced]
    imports: dict[str, dict[str, float]]

    def add(self, algorithm: str, label: str, work: str, found: Measured) -> None:
        self.batches[algorithm, label, work].append(found)

    def cpu(self, algorithm: str, label: str, work: str) -> float | None:
        """Microseconds a request, median of the rounds; None where nothing was measured or answers failed."""
        found = self.batches.get((algorithm, label, work), [])
        good = [one.cpu for one in found if not one.failures]
        return median(good) if good else None


def text(results: Results, chosen: argparse.Namespace) -> str:
    """The page `docs/performance.md`."""
    algorithms = list(dict.fromkeys(key[0] for key in results.batches))
    parts = [
        "# How fast",
        "",
        "Written by `make bench`; do not edit. CPU microseconds a request, server and database together: medians of",
        f"{chosen.rounds} interleaved rounds of {chosen.requests} requests over 8 connections, {os.cpu_count()} cores."
        " The machine is shared,",
        "so only ratios of one run mean something. Ours is `psc serve` with one web worker: durable writes,",
        "liveness read at each use, journal written. A token answer carries two signatures of the named algorithm.",
        "`bound` parses the request, signs twice and makes one durable write.",
        "",
    ]
    for algorithm in algorithms:
        parts += [f"## {algorithm}", "", *_costs(results, algorithm), "", *_ratios(results, algorithm), ""]
    parts += ["## One-time values used four times at once", "", *_races(results), ""]
    parts += ["## Registry load", "", *_imports(results), ""]
    return "\n".join(parts)


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


def _ratios(results: Results, algorithm: str) -> list[str]:
    rows = ["| work | ours | against | times cheaper | target | |", "|---|---|---|---:|---:|---|"]
    for work, mine, theirs, targets in TARGETS:
        own, other = results.cpu(algorithm, mine, work), results.cpu(algorithm, theirs, work)
        if own is None or other is None or algorithm not in targets:
            continue
        target, reached = targets[algorithm], other / own
        said = "reached" if reached >= target else "not reached"
        rows.append(f"| {work} | {mine} | {theirs} | {reached:.2f} | {target:.2f} | {said} |")
    return rows


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


def _imports(results: Results) -> list[str]:
    rows = [
        "| store | lines | lines/s, first load | first load ÷ split | same file again ÷ split |",
        "|---|---:|---:|---:|---:|",
    ]
    for store, one in results.imports.items():
        first, again = one["first"] / one["split"], one["again"] / one["split"]
        rate = one["lines"] / one["first"]
        rows.append(f"| {store} | {one['lines']:,.0f} | {rate:,.0f} | {first:.1f} | {again:.1f} |")
    return rows
