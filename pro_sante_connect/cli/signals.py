"""`psc signals`: what services were told, and telling them again."""

from pathlib import Path

import click

from pro_sante_connect.cli.output import Misuse, json_option, table

_COLUMNS = (
    "id", "client_id", "session", "state", "attempts", "status", "cause", "ms", "written_at", "last_at", "due_at",
    "jti",
)  # fmt: skip


@click.group()
def signals() -> None:
    """What services were told when a session ended."""


@signals.command("deliveries")
@click.option("--client", help="Of this service.")
@click.option("--state", type=click.Choice(["waiting", "acknowledged", "dead"]), help="In this state.")
@click.option("--session", metavar="SID", help="Of this session.")
@json_option
@click.pass_obj
def deliveries(
    settings_file: Path | None, client: str | None, state: str | None, session: str | None, as_json: bool
) -> None:
    """The ledger, newest first: told when, how often, last answer. Example: psc signals deliveries --state dead

    `status` and `cause` are of the last try, `ms` is how long it took.
    """
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.signals import deliveries as ledger
    from pro_sante_connect.signals.models import WAITING

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        rows = [
            (
                row.id, row.client_id, row.session_id, row.state, row.attempts, row.last_status, row.last_cause,
                row.last_milliseconds, row.written_at, row.last_at, row.due_at if row.state == WAITING else None,
                row.jti,
            )
            for row in ledger.listed(db, client=client, state=state, session=session)
        ]  # fmt: skip
    table(_COLUMNS, rows, as_json=as_json, empty="Nothing was to be told.")


@signals.command("replay")
@click.argument("delivery", metavar="[ID]", type=int, required=False)
@click.option("--client", help="All dead ones of this service.")
@click.pass_obj
def replay(settings_file: Path | None, delivery: int | None, client: str | None) -> None:
    """Tell again what was given up; the token's id stays. Example: psc signals replay --client agenda

    \b
    Exit codes: 0 waits again, 1 there is no dead one, 2 wrong call.
    """
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.signals import deliveries as ledger

    if (delivery is None) == (client is None):
        raise Misuse("Give the number of one delivery, or --client.")
    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        now = dep.clock.now()
        count = ledger.replay(db, delivery=delivery, client=client, origin=operator(), now=now)
    click.echo(f"{count} wait{'' if count > 1 else 's'} again.")
