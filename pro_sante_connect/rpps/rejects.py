"""The lines of a load that were refused: kept with the load, read again, written as a table.

The line itself is not kept: the operator's file holds it at its offset.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from pro_sante_connect.core import spreadsheet
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.models import Load, Reject
from pro_sante_connect.rpps.spool import Spool

COLUMNS = ("file", "line", "offset", "reason", "column", "value", "national_id")
KEPT = 100_000
_BATCH = 1000


def told(spool: Spool, names: Mapping[str, str], *, count: int) -> Iterator[dict[str, Any]]:
    """The `count` lines refused in the load under way; `names` are the files by what they are. As they stand in the
    files, unless there are too many to sort."""
    found: Iterable[list[Any]] = spool.rejects()
    if count <= KEPT:
        found = sorted(found, key=lambda one: (names[one[0]], one[1]))
    for part, *rest in found:
        yield dict(zip(COLUMNS, (names[str(part)], *rest), strict=True))


def keep(engine: Engine, load: int, lines: Iterator[dict[str, Any]]) -> None:
    """Write down the first of them, in small transactions."""
    lines = islice(lines, KEPT)
    while portion := list(islice(lines, _BATCH)):
        with writing(engine) as db:
            db.execute(insert(Reject), [{"load_id": load, **line} for line in portion])


def of(db: Session, load: int, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """What was kept of a load, as it stands in the files; refuses `load-unknown`."""
    if db.get(Load, load) is None:
        raise Refusal("load-unknown", load=load)
    columns = [getattr(Reject, name) for name in COLUMNS]
    rows = select(*columns).where(Reject.load_id == load).order_by(Reject.file, Reject.line).limit(limit)
    return (dict(zip(COLUMNS, row, strict=True)) for row in db.execute(rows.execution_options(yield_per=_BATCH)))


def count(db: Session, load: int) -> int:
    """How many were kept."""
    return db.scalars(select(func.count()).select_from(Reject).where(Reject.load_id == load)).one()


def write_csv(lines: Iterable[Mapping[str, Any]], file: IO[str]) -> None:
    """A table for a spreadsheet."""
    spreadsheet.write(file, COLUMNS, ([line[name] for name in COLUMNS] for line in lines))
