"""`psc worker`: the signals worker alone."""

from pathlib import Path

import click


@click.command()
@click.option("--with-parent", is_flag=True, hidden=True, help="End when stdin ends: the parent is gone.")
@click.pass_obj
def worker(settings_file: Path | None, with_parent: bool) -> None:
    """Deliver messages, seal the journal, forget what expired. Example: psc worker

    Several hosts may run it: one works at a time. SIGTERM ends it after the message in hand.
    """
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core import logs
    from pro_sante_connect.core.processes import end_with_parent
    from pro_sante_connect.signals.worker import run

    logs.install()
    dep = deployment(settings_file)
    if with_parent:
        end_with_parent()
    run(dep)
