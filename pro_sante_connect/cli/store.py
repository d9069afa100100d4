"""A deployment for commands: settings, store, secrets, the real clock and chance; who acts."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.core.deployment import Deployment
    from pro_sante_connect.settings import Settings


def deployment(settings_file: Path | None) -> "Deployment":
    """What verbs take; refuses `vault-missing` without readable secrets."""
    from pro_sante_connect import settings

    return deployment_of(settings.load(settings_file))


def deployment_of(settings: "Settings") -> "Deployment":
    """The same from settings at hand."""
    from pro_sante_connect.app import load_models
    from pro_sante_connect.core.chance import SystemChance
    from pro_sante_connect.core.clock import SystemClock
    from pro_sante_connect.core.database import open_engine
    from pro_sante_connect.core.deployment import Deployment
    from pro_sante_connect.core.vault import open_vault

    load_models()
    return Deployment(
        settings=settings,
        engine=open_engine(settings.database.url),
        clock=SystemClock(),
        chance=SystemChance(),
        vault=open_vault(Path(settings.secrets.file)),
    )


def operator() -> "Origin":
    """The journal names the account that ran the command."""
    from pro_sante_connect.audit.journal import Origin

    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # no passwd entry, as in some containers
        name = "unknown"
    return Origin(actor=f"operator:{name}")
