"""The schema: models equal the head, every migration goes up and down, the journal guards itself."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from pro_sante_connect.app import load_models
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import record
from pro_sante_connect.cli.database import downgrade, migrations_folder, upgrade
from pro_sante_connect.core.database import open_engine, writing
from pro_sante_connect.core.models import Base
from tests.stores import STORES, new_postgresql
from tests.world import START, World


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'm.sqlite3'}" if request.param == "sqlite" else new_postgresql("migrations")


def test_the_head_is_what_the_models_say(url: str) -> None:
    load_models()
    upgrade(url)
    engine = open_engine(url)
    with engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), Base.metadata) == []
    engine.dispose()


def test_every_migration_goes_down_and_up_again(url: str) -> None:
    revisions = [one.revision for one in ScriptDirectory(str(migrations_folder())).walk_revisions()]
    for revision in reversed(revisions):
        upgrade(url, revision)
        downgrade(url, "-1")
        upgrade(url, revision)
    downgrade(url, "base")
    engine = open_engine(url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
def test_the_store_refuses_to_rewrite_the_journal(world: World, statement: str) -> None:
    with writing(world.engine) as db:
        record(db, Event.KEY_MADE, "key:1", now=START)
    with pytest.raises(DBAPIError, match="append-only"), world.engine.begin() as db:
        db.execute(text(statement))


@pytest.mark.parametrize("table", ["audit_entries", "audit_seals"])
def test_postgresql_refuses_to_empty_the_journal(engines: dict[str, Engine], table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), engines["postgresql"].begin() as db:
        db.execute(text(f"TRUNCATE {table} CASCADE"))
