"""Engines and transactions.

SQLite: WAL, full sync, and writers that say so at BEGIN: a read transaction that turns into a write fails at
once with SQLITE_BUSY_SNAPSHOT, an immediate one waits its turn.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

WRITE = {"psc_write": True}
LOOK_UP = {"psc_look_up": True}
BUSY_SECONDS = 10


def engine_options(url: str) -> dict[str, Any]:
    """Keyword arguments of `create_engine` for this store."""
    if make_url(url).get_backend_name() == "sqlite":
        timing = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        return {"connect_args": timing, "pool_size": 16, "hide_parameters": True}
    # Statements here go by key: a plan made once is as good as one made for each call, and costs half a request less.
    options = (
        "-c statement_timeout=15000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000"
        " -c plan_cache_mode=force_generic_plan"
    )
    return {
        "connect_args": {"connect_timeout": 5, "options": options},
        "pool_size": 16,
        "max_overflow": 8,
        "pool_timeout": 5,
        "isolation_level": "READ COMMITTED",
        "hide_parameters": True,
    }


class Contended(Exception):
    """Somebody else writes just now, and the caller would not wait. Nothing was done."""


class Kept:
    """Connections kept open for statements that need no transaction of the toolkit's (`core/statement.py`).

    A pool's hand-out and hand-back cost as much as a short statement. One that failed is not kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._free, self._hasty = engine, list[Connection](), list[Connection]()
        self.dialect = engine.dialect

    @contextmanager
    def reading(self, *, hasty: bool = False) -> Iterator[Connection]:
        """One connection, each statement its own transaction; a `hasty` one does not wait for other writers."""
        free = self._hasty if hasty else self._free
        db = free.pop() if free else self._engine.connect()
        try:
            yield db
        except Exception as problem:
            if is_storage_failure(problem):
                db.invalidate()
            raise
        finally:
            if db.in_transaction() or db.invalidated:
                db.rollback()
            free.append(db)

    @contextmanager
    def claiming(self, *, wait: bool = True) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back by an exception.

        Without `wait` raises `Contended` where another writer holds the store (SQLite has one at a time).
        """
        with self.reading(hasty=not wait) as db:
            driver: Any = db.connection.driver_connection
            if self.dialect.name == "sqlite":
                _begin_immediate(driver, db.info, wait=wait)
            else:
                driver.execute("BEGIN")
            try:
                yield db
            except BaseException:
                driver.rollback()
                raise
            driver.commit()

    def close(self) -> None:
        """Let go of all that is not in use."""
        for free in (self._free, self._hasty):
            while free:
                free.pop().close()
        self._engine.dispose()


def below(engine: Engine) -> Kept:
    """The same store, below the toolkit."""
    kept = _BELOW.get(engine)
    if kept is None:
        url = engine.url.render_as_string(hide_password=False)
        kept = _BELOW[engine] = Kept(looking(prepare(create_engine(url, **engine_options(url)))))
        event.listen(engine, "engine_disposed", lambda _: kept.close())
    return kept


def looking(engine: Engine) -> Engine:
    """The same pool for statements that are each a transaction of their own, in which nobody says BEGIN."""
    # The toolkit's AUTOCOMMIT would hand a connection back to SQLite's driver with transactions of its own.
    own = LOOK_UP if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
    return engine.execution_options(**own)


_BELOW: WeakKeyDictionary[Engine, Kept] = WeakKeyDictionary()


def _begin_immediate(driver: sqlite3.Connection, info: dict[Any, Any], *, wait: bool) -> None:
    if not wait and "hasty" not in info:  # said once to a connection, not at each claim
        driver.execute("PRAGMA busy_timeout=0")
        info["hasty"] = True
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as problem:
        if not wait and problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise Contended from None
        raise


def insert(db: Session | Connection, table: Any) -> postgresql.Insert | sqlite.Insert:
    """INSERT as this store speaks it, for `on_conflict_…`."""
    connection = db if isinstance(db, Connection) else db.connection()
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def bulk(db: Connection, table: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Many new rows by the store's quickest way, within the caller's transaction. Values are the driver's: moments in
    microseconds."""
    driver: Any = db.connection.driver_connection
    name, told = table.__tablename__, ", ".join(columns)
    if db.dialect.name != "postgresql":
        places = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {name} ({told}) VALUES ({places})", rows)  # noqa: S608 - our own names
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({told}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def is_storage_failure(problem: BaseException) -> bool:
    """The store did not do as asked; also for errors of the drivers, of which PostgreSQL's may not be installed."""
    drivers = {"sqlite3", "psycopg"}
    return isinstance(problem, SQLAlchemyError) or any(
        kind.__name__ == "Error" and kind.__module__ in drivers for kind in type(problem).__mro__
    )


def located(url: str) -> str:
    """A relative SQLite file means one beside the process, for Flask-SQLAlchemy as for everybody else."""
    made = make_url(url)
    if made.get_backend_name() != "sqlite" or not made.database or made.database == ":memory:":
        return url
    return made.set(database=str(Path(made.database).absolute())).render_as_string(hide_password=False)


def prepare(engine: Engine) -> Engine:
    """Give an engine this product's session settings; idempotent."""
    if engine.dialect.name == "sqlite" and not event.contains(engine, "connect", _sqlite_connect):
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def open_engine(url: str) -> Engine:
    """An engine outside Flask: commands, workers, tests."""
    return prepare(create_engine(url, **engine_options(url)))


def unmapped(engine: Engine) -> Engine:
    """For a process that goes through a whole store once: SQLite's file is not mapped, which would count as memory."""
    if engine.dialect.name == "sqlite" and not event.contains(engine, "connect", _sqlite_unmap):
        event.listen(engine, "connect", _sqlite_unmap)
        engine.dispose()
    return engine


def _sqlite_unmap(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA mmap_size=0").close()


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is ours, not the driver's
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-32000",
        "mmap_size=268435456",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "psc_look_up" not in options:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if "psc_write" in options else "BEGIN")


class _Open(local):
    """How many transactions this thread holds open."""

    count = 0


_OPEN = _Open()


@contextmanager
def _counted() -> Iterator[None]:
    _OPEN.count += 1
    try:
        yield
    finally:
        _OPEN.count -= 1


def in_transaction() -> bool:
    """Whether this thread stands in `reading` or `writing`: nothing outside is called then."""
    return _OPEN.count > 0


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session on one snapshot, rolled back at the end."""
    with _counted(), Session(engine, expire_on_commit=False) as db:
        yield db


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one write transaction: committed at the end, rolled back by an exception."""
    with _counted(), Session(engine, expire_on_commit=False) as db:
        db.connection(execution_options=WRITE)
        yield db
        db.commit()
