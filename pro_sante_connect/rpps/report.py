"""What a load did or would do, for people and for machines."""

from dataclasses import dataclass, field, fields
from typing import Any

from pro_sante_connect.rpps.archive import Sources
from pro_sante_connect.rpps.compare import Comparison
from pro_sante_connect.rpps.guards import Verdict
from pro_sante_connect.rpps.reading import Tally

_CHANGES = ("created", "changed", "returned", "absent", "unread", "read")


@dataclass(slots=True, kw_only=True)
class Report:
    """`differences` are what was found, `published` what was written."""

    state: str = ""
    load: int | None = None
    stamp: str
    stamp_origin: str
    files: list[dict[str, Any]]
    rows: int
    rejected: int
    rejects: dict[str, int]
    unknown_codes: dict[str, int]
    repairs: dict[str, int]
    anomalies: dict[str, int]
    warnings: list[str]
    people: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    by_type: dict[str, dict[str, int]] = field(default_factory=dict)
    samples: dict[str, list[str]] = field(default_factory=dict)
    outcome: str
    reasons: list[tuple[str, dict[str, Any]]]
    published: dict[str, int] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """How many people the load touches."""
        return sum(self.differences.get(name, 0) for name in _CHANGES)

    def as_facts(self) -> dict[str, Any]:
        """For the table, the command's JSON and the page."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


def report_of(sources: Sources, tally: Tally, comparison: Comparison | None, verdict: Verdict) -> Report:
    """Everything counted so far, in one value."""
    report = Report(
        stamp=sources.activity.stamp.isoformat(),
        stamp_origin=sources.activity.stamp_origin,
        files=tally.files,
        rows=tally.rows,
        rejected=tally.rejected,
        rejects=dict(tally.rejects),
        unknown_codes=dict(tally.unknown_codes.most_common(50)),
        repairs=dict(tally.repairs),
        anomalies=dict(tally.anomalies),
        warnings=tally.warnings[:100],
        outcome=verdict.outcome.value,
        reasons=list(verdict.reasons),
    )
    if comparison is not None:
        result = comparison.result
        report.people = result.people
        report.differences = dict(result.counts)
        report.samples = result.samples
        report.by_type = {
            id_type: {"previous": people.previous, "absent": people.absent, "changed": people.changed}
            for id_type, people in sorted(result.by_type.items())
        }
    return report
