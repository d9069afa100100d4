"""`psc keys`: root secrets that seal what rests in the store, signing keys that clients verify."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pro_sante_connect.cli.output import json_option, stop, table

if TYPE_CHECKING:
    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.core.deployment import Deployment


@click.group()
def keys() -> None:
    """Root secrets and signing keys."""


@keys.command("init")
@click.pass_obj
def init(settings_file: Path | None) -> None:
    """Make the root secrets and the first signing keys. Example: psc keys init

    Exit codes: 0 made or already there, 1 refused.
    """
    from pro_sante_connect import settings
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.chance import SystemChance
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.core.vault import write_secrets
    from pro_sante_connect.oidc.tokens import keys as ring

    path = Path(settings.load(settings_file).secrets.file)
    try:
        write_secrets(path, chance=SystemChance())
        click.echo(f"{path}: made. Back it up apart from the store: without it the store's secrets are lost.")
    except FileExistsError:
        click.echo(f"{path}: already there, left as it is.")
    except OSError as problem:
        stop(f"{path} cannot be written: {problem.strerror}")
    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        ring.ensure(db, vault=dep.vault, chance=dep.chance, now=dep.clock.now())
    click.echo("Signing keys are ready.")


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(settings_file: Path | None, as_json: bool) -> None:
    """Signing keys, newest first. Example: psc keys list --json"""
    from sqlalchemy import select

    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.oidc.models import SigningKey

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        rows = list(db.scalars(select(SigningKey).order_by(SigningKey.active_from.desc(), SigningKey.kid)))
    now = dep.clock.now()
    signing = {
        algorithm: max((row for row in rows if row.algorithm == algorithm and row.active_from <= now),
                       key=lambda row: row.active_from, default=None)
        for algorithm in {row.algorithm for row in rows}
    }  # fmt: skip

    def state(row: SigningKey) -> str:
        if row.unpublished_at is not None and row.unpublished_at <= now:
            return "retired"
        if row.active_from > now:
            return "published"
        return "signing" if signing[row.algorithm] is row else "verifying"

    columns = ("kid", "algorithm", "state", "active_from", "unpublished_at")
    listed = [(row.kid, row.algorithm, state(row), row.active_from, row.unpublished_at) for row in rows]
    table(columns, listed, as_json=as_json, empty="No signing key yet. Run: psc keys init")


@keys.command("rotate")
@click.pass_obj
def rotate(settings_file: Path | None) -> None:
    """Publish successors now; they sign after the notice period. Example: psc keys rotate

    The present keys sign until then and stay published for the longest token life after it.
    """
    from datetime import timedelta

    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.oidc.tokens import keys as ring

    dep = deployment(settings_file)
    lives = dep.settings.lifetimes
    notice, now = timedelta(seconds=lives.key_notice), dep.clock.now()
    with writing(dep.engine) as db:
        kids = ring.rotate(
            db, notice=notice, longest=timedelta(seconds=lives.token), vault=dep.vault, chance=dep.chance,
            origin=operator(), now=now,
        )  # fmt: skip
    click.echo(f"Published {', '.join(kids)}; they sign from {(now + notice).isoformat(timespec='seconds')}.")


@keys.command("reseal")
@click.pass_obj
def reseal(settings_file: Path | None) -> None:
    """Seal everything again under the first root secret. Example: psc keys reseal

    Put a new line first in the secrets file, restart, run this, then drop the old line.
    """
    from pro_sante_connect.cli.store import deployment, operator

    click.echo(f"{reseal_all(deployment(settings_file), origin=operator())} secrets are sealed under the first root.")


def reseal_all(dep: "Deployment", *, origin: "Origin") -> int:
    """Every sealed column, one transaction a table; returns how many values were sealed again."""
    from sqlalchemy import inspect, select, update

    from pro_sante_connect.audit import journal
    from pro_sante_connect.audit.events import Event
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.core.outbox import OutboxNote
    from pro_sante_connect.core.vault import Purpose
    from pro_sante_connect.ecps.models import Card, OneTimeSecret
    from pro_sante_connect.oidc.models import SigningKey
    from pro_sante_connect.signals.stream_models import Stream

    total = 0
    purposes = {
        SigningKey.sealed: Purpose.SIGNING_KEY, OneTimeSecret.sealed: Purpose.TOTP_SECRET,
        Card.pin: Purpose.ECPS_CODE, OutboxNote.sealed: Purpose.OUTBOX_NOTE,
        Stream.authorization: Purpose.STREAM_AUTHORIZATION,
    }  # fmt: skip
    for column, purpose in purposes.items():
        (key,) = inspect(column.class_).primary_key
        with writing(dep.engine) as db:
            rows = db.execute(select(key, column).where(column.is_not(None))).all()
            for identity, sealed in rows:
                fresh = dep.vault.reseal(sealed, purpose=purpose)
                # Only if nobody sealed another value meanwhile.
                db.execute(
                    update(column.class_).where(key == identity, column == sealed).values({column: fresh})
                    .execution_options(synchronize_session=False)
                )  # fmt: skip
            table = column.class_.__tablename__
            journal.record(
                db, Event.SECRETS_RESEALED, "store", now=dep.clock.now(), origin=origin, table=table, count=len(rows)
            )
            total += len(rows)
    return total
