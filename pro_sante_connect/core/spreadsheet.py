"""Tables for a spreadsheet, in which nothing that somebody wrote runs."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(file: IO[str], columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """A heading and one line for each row, as CSV."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(columns)
    table.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
