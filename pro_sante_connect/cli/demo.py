"""`psc demo`: everything on this machine, with fictional people."""

from pathlib import Path

import click

from pro_sante_connect.cli.database import migrations_folder, upgrade
from pro_sante_connect.cli.output import stop


@click.command()
@click.option("--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1024, 65533))
@click.option(
    "--data",
    envvar="DATA",
    default="demo-data",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that is kept between starts; delete it to begin anew.",
)
@click.option("--virtual-phone", is_flag=True, help="A process plays the phones: approvals are given within a second.")
def demo(port: int, data: Path, virtual_phone: bool) -> None:
    """Start the provider, a demo health service and a message box on three ports from PORT on.

    \b
    Example: psc demo --port 9000 --virtual-phone
    Exit codes: 0 stopped by Ctrl-C, 1 could not start or a part fell.
    """
    from pro_sante_connect.demo import house

    wanted = house.House(data=data, port=port, virtual_phone=virtual_phone)
    revisions = sorted(path.name for path in (migrations_folder() / "versions").glob("*.py"))
    try:
        house.run(wanted, migrations=revisions, upgrade=upgrade, say=click.echo)
    except house.HouseProblem as problem:
        stop(str(problem))
