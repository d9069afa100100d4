"""`psc database`: the schema of the store."""

from pathlib import Path

import click


def migrations_folder() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_migrations"
    return packed if packed.is_dir() else package.parent / "migrations"


def _config(url: str):  # type: ignore[no-untyped-def]  # Alembic is imported late: it costs a second
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the store at `url` to a revision."""
    from alembic import command

    command.upgrade(_config(url), revision)


def behind(url: str) -> bool:
    """The store's revision is not the newest of this version (an empty store has none)."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from pro_sante_connect.core.database import open_engine

    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    return present != ScriptDirectory.from_config(_config(url)).get_current_head()


def downgrade(url: str, revision: str) -> None:
    """Take the store at `url` back to a revision."""
    from alembic import command

    command.downgrade(_config(url), revision)


@click.group()
def database() -> None:
    """The schema of the store."""


@database.command("upgrade")
@click.pass_obj
def upgrade_command(settings_file: Path | None) -> None:
    """Create or upgrade the schema. Example: psc database upgrade"""
    from pro_sante_connect import settings

    upgrade(settings.load(settings_file).database.url)
    click.echo("The store is up to date.")


@database.command("restored")
@click.pass_obj
def restored_command(settings_file: Path | None) -> None:
    """Say that a backup was restored: every session, code and token issued before is void.

    One-time codes up to now, activations, pairings and requests to phones that were under way are dead too. What was
    decided or withdrawn since the backup must be decided and withdrawn again. Example: psc database restored
    """
    from pro_sante_connect import settings
    from pro_sante_connect.audit.events import Event
    from pro_sante_connect.audit.journal import record
    from pro_sante_connect.cli.store import operator
    from pro_sante_connect.core import epoch
    from pro_sante_connect.core.clock import SystemClock
    from pro_sante_connect.core.database import open_engine, writing
    from pro_sante_connect.ecps import restored

    now = SystemClock().now()
    with writing(open_engine(settings.load(settings_file).database.url)) as db:
        number = epoch.bump(db)
        restored.void(db, now=now)
        record(db, Event.EPOCH_BUMPED, "store", now=now, origin=operator(), number=number)
    click.echo(f"Epoch {number}: everyone signs in again.")
