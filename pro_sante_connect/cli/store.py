"""A deployment for commands: settings, store, secrets, the real clock and chance; who acts."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.core.deployment import Deployment


def deployment(settings_file: Path | None) -> "Deployment":
    """What verbs take, until the command ends; refuses `vault-missing` without readable secrets."""
    from pro_sante_connect import settings
    from pro_sante_connect.app import open_deployment

    dep = open_deployment(settings.load(settings_file))
    click.get_current_context().call_on_close(dep.engine.dispose)
    return dep


def operator(name: str = "") -> "Origin":
    """The journal names who was said to act, else the account that ran the command."""
    from pro_sante_connect.audit.journal import Origin

    try:
        name = name or getpass.getuser()
    except (OSError, KeyError):  # no passwd entry, as in some containers
        name = "unknown"
    return Origin(actor=f"operator:{name}")
