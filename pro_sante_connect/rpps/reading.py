"""Reads the files of a load into the spool and counts what it sees."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.archive import Source
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.extract import MAX_LINE, Reader, Reason, Reject, layout
from pro_sante_connect.rpps.lines import Line, Lines
from pro_sante_connect.rpps.spool import Spool

_PEEK = 50
_TICK = 20_000

Progress = Callable[[str, int, int, int], None]
"""Stage, done, total (0 when unknown), rows so far."""


@dataclass(slots=True)
class Tally:
    """What was read, over all files."""

    files: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    unknown_codes: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    truncated: str = ""
    unknown: frozenset[str] = frozenset()

    @property
    def rejected(self) -> int:
        return self.rejects.total()

    def reject(self, spool: Spool, part: Part, line: int, offset: int, reject: Reject) -> None:
        """One line refused."""
        self.rejects[reject.reason.value] += 1
        if reject.reason is Reason.UNKNOWN_CODE:
            code = f"{reject.column}: {reject.value}"
            if code in self.unknown_codes or len(self.unknown_codes) < 1000:
                self.unknown_codes[code] += 1
        spool.reject(part, line, offset, reject)


def read(source: Source, spool: Spool, tally: Tally, progress: Progress) -> None:
    """One file. Refuses `extract-header` and `archive-unreadable`."""
    with closing(source.open()) as stream:
        lines = Lines(stream)
        numbered = iter(lines)
        header = next(numbered, None)
        if header is None or len(header.raw) > MAX_LINE:
            raise Refusal("extract-header", file=source.part.value, missing="", found="")
        first = list(islice(numbered, _PEEK))
        places = layout(source.part, header.raw.rstrip(b"\r"), [line.raw for line in first])
        reader = Reader(places)
        if source.part is Part.ACTIVITY:
            tally.unknown = places.unknown
        tally.warnings += places.warnings
        if header.raw.startswith(b"\xef\xbb\xbf"):
            reader.repairs["byte-order-mark"] += 1
        before = tally.rows
        for line in chain(first, numbered):
            _take(line, reader, source, spool, tally)
            if line.number % _TICK == 0:
                progress("read", lines.done, source.size, tally.rows)
        progress("read", lines.done, source.size, tally.rows)
    tally.repairs += reader.repairs
    tally.anomalies += reader.anomalies
    facts = {"name": source.name, "part": source.part.value, "bytes": lines.done, "rows": tally.rows - before}
    tally.files.append(facts | {"columns": places.width, "sha256": lines.digest()})


def _take(line: Line, reader: Reader, source: Source, spool: Spool, tally: Tally) -> None:
    tally.rows += 1
    outcome = reader.read(line.raw)
    if isinstance(outcome, tuple):
        spool.row(source.part, line.number, line.offset, outcome)
    else:
        tally.reject(spool, source.part, line.number, line.offset, outcome)
        if outcome.national_id and source.part is Part.ACTIVITY:
            spool.damaged(outcome.national_id)
    if not line.ended:
        if isinstance(outcome, Reject) and outcome.reason in {Reason.COLUMN_COUNT, Reason.TOO_LONG, Reason.ENCODING}:
            tally.truncated = source.name
        else:
            tally.warnings.append(f"no line feed at the end of {source.name}")
