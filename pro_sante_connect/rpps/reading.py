"""Sorts the lines of a load's files by person into the spool. Whose a line is, one column says; no line is judged yet,
but one that names nobody, and the last one when the file may be cut in it."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.archive import Source
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.extract import MAX_LINE, Layout, Reader, Reason, Reject, layout
from pro_sante_connect.rpps.lines import Line, Lines
from pro_sante_connect.rpps.spool import MARKS, Spool

_BOM = b"\xef\xbb\xbf"
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


def read(source: Source, spool: Spool, tally: Tally, progress: Progress) -> Reader:
    """One file, and the reader of its lines. Refuses `extract-header` and `archive-unreadable`."""
    with closing(source.open()) as stream:
        lines = Lines(stream)
        numbered = iter(lines)
        header = next(numbered, None)
        if header is None or len(header.raw) > MAX_LINE:
            raise Refusal("extract-header", file=source.part.value, missing="", found="")
        first = list(islice(numbered, _PEEK))
        places = layout(source.part, header.raw.rstrip(b"\r"), [line.raw for line in first])
        reader = Reader(places, tally.repairs, tally.anomalies)
        if source.part is Part.ACTIVITY:
            tally.unknown = places.unknown
        tally.warnings += places.warnings
        if header.raw.startswith(_BOM):
            tally.repairs["byte-order-mark"] += 1
        before, place, mark, number = tally.rows, places.indexes[0], MARKS[source.part], 1
        for line in chain(first, numbered):
            number, offset, raw, ended = line
            national = _whose(raw, place)
            if national:
                spool.line(national, mark, number, offset, raw)
            else:
                _nobody(line, reader, spool, tally)
            if not ended:
                _last(line, places, source.name, tally)
            if number % _TICK == 0:
                progress("read", lines.done, source.size, before + number - 1)
        tally.rows += number - 1
        progress("read", lines.done, source.size, tally.rows)
    facts = {"name": source.name, "part": source.part.value, "bytes": lines.done, "rows": tally.rows - before}
    tally.files.append(facts | {"columns": places.width, "sha256": lines.digest()})
    return reader


def _whose(raw: bytes, place: int) -> bytes:
    """The national identifier as a reader would take it, if it takes the line."""
    parts = raw.split(b"|", place + 1)
    if len(parts) <= place:
        return b""
    told = parts[place]
    return told if told.isalnum() else told.removeprefix(_BOM).decode("utf-8", "replace").strip().encode()


def _nobody(line: Line, reader: Reader, spool: Spool, tally: Tally) -> None:
    outcome = reader.read(line.raw)
    if isinstance(outcome, Reject):  # always: no line is accepted without an identifier
        tally.reject(spool, reader.layout.part, line.number, line.offset, outcome)


def _last(line: Line, places: Layout, name: str, tally: Tally) -> None:
    outcome = Reader(places).read(line.raw)
    if isinstance(outcome, Reject) and outcome.reason in {Reason.COLUMN_COUNT, Reason.TOO_LONG, Reason.ENCODING}:
        tally.truncated = name
    else:
        tally.warnings.append(f"no line feed at the end of {name}")
