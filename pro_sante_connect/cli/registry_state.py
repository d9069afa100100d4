"""`psc registry status` and `anomalies`: what the registry holds, and what is odd in it."""

from pathlib import Path
from typing import Any

import click

from pro_sante_connect.cli.output import dump, json_option, table


@click.command("status")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 100), help="How many loads.")
@json_option
@click.pass_obj
def status(settings_file: Path | None, limit: int, as_json: bool) -> None:
    """How many people the registry holds, and the last loads. Example: psc registry status --json"""
    from sqlalchemy import func, select

    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.rpps import loads
    from pro_sante_connect.rpps.models import Activite, Practitioner

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        people = select(func.count()).select_from(Practitioner)
        facts: dict[str, Any] = {
            "present": db.scalar(people.where(Practitioner.absent_since.is_(None))),
            "absent": db.scalar(people.where(Practitioner.absent_since.is_not(None))),
            "open_activities": db.scalar(select(func.count()).select_from(Activite).where(Activite.ended_at.is_(None))),
        }
        last, stamp = loads.latest(db, limit=limit), loads.data_of(db)
        rows = [
            (one.id, one.state, one.stamp, one.opened_at, one.closed_at, one.author, _brief(one.report)) for one in last
        ]
    now = dep.clock.now()
    columns = ("load", "state", "data of", "opened", "closed", "by", "what")
    if as_json:
        dump(facts | {"loads": [dict(zip(columns, row, strict=True)) for row in rows]})
        return
    click.echo(
        f"{facts['present']:,} people present, {facts['absent']:,} absent, {facts['open_activities']:,} activities"
    )
    table(columns, rows, as_json=False, empty="No load yet. Start with: psc registry import FILE…")
    if stamp is not None:
        age = (now - stamp).days
        click.echo(f"Source: RPPS (Annuaire Santé, ANS), data of {stamp:%Y-%m-%d}, {age} days ago.")


def _brief(report: dict[str, Any]) -> str:
    if "problem" in report:
        return str(report["problem"])
    counts = report.get("published") or report.get("differences") or {}
    return (
        ", ".join(f"{name} {count}" for name, count in counts.items() if count and name != "unchanged") or "no change"
    )


@click.command("anomalies")
@click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")
@json_option
@click.pass_obj
def anomalies(settings_file: Path | None, *, actor: str, as_json: bool) -> None:
    """Search the whole registry for what is odd, for the console; best after a load.

    Duplicates, numbers of two kinds, places without identifier, refused lines, unknown codes. Example: psc registry
    anomalies
    """
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.rpps import anomalies as room

    counts = room.compute(deployment(settings_file), origin=operator(actor))
    if as_json:
        dump(counts)
        return
    for kind, count in counts.items():
        click.echo(f"  {kind:<24}{count:>12,}")
