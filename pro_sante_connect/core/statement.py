"""A Core statement compiled once and run on the driver's own connection.

The hot path (token, userinfo, introspection) pays for each layer at every request; the schema stays in the
typed models, only the per-call work of the toolkit is left out. Values come back as the driver gives them:
moments are microseconds (`core.models.microseconds`), JSON is text.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import Executable

Row = tuple[Any, ...]


def within(db: Session) -> Connection:
    """A session's transaction, after what the session holds back was written."""
    db.flush()
    return db.connection()


class _Compiled(NamedTuple):
    text: str
    names: tuple[str, ...]
    positional: bool
    constants: dict[str, Any]


class Statement:
    """`one(db, name=value…)` runs it and gives the first row or None."""

    def __init__(self, construct: Executable) -> None:
        self._construct: Any = construct
        self._compiled: dict[str, _Compiled] = {}

    def _compile(self, db: Connection) -> _Compiled:
        dialect = db.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            # Literal values are rendered into the text, so that only named parameters are left to bind.
            compiled = self._construct.compile(dialect=dialect)
            names = tuple(compiled.positiontup or compiled.params)
            constants = {
                name: processor(value) if (processor := compiled._bind_processors.get(name)) else value
                for name, value in compiled.params.items()
                if value is not None
            }
            found = _Compiled(str(compiled), names, bool(compiled.positiontup), constants)
            self._compiled[dialect.name] = found
        return found

    def _run(self, db: Connection, values: dict[str, Any]) -> Any:
        compiled = self._compile(db)
        if compiled.constants:
            values = compiled.constants | values
        parameters: Any = tuple(values[name] for name in compiled.names) if compiled.positional else values
        driver: Any = db.connection.driver_connection
        return driver.execute(compiled.text, parameters)

    def one(self, db: Connection, /, **values: Any) -> Row | None:
        """First row, or None."""
        cursor = self._run(db, values)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    def all(self, db: Connection, /, **values: Any) -> list[Row]:
        """Every row."""
        cursor = self._run(db, values)
        rows: list[Row] = cursor.fetchall()
        cursor.close()
        return rows

    def run(self, db: Connection, /, **values: Any) -> None:
        """For statements without an answer."""
        self._run(db, values).close()
