"""Frozen values, one documented field per setting, read once from a TOML file and the environment.

    fields   what there is, its kind, its default, its meaning      kinds   what may be written there
    reading  the file and the environment become the values, or every problem at once

`[issuer] auth_base` in the file is `PSC_ISSUER_AUTH_BASE` in the environment, which wins. Pure, but for `load`.
"""

from pro_sante_connect.settings.fields import (
    Appearance,
    Database,
    Import,
    Issuer,
    Lifetimes,
    Messages,
    Outbound,
    Policy,
    Retention,
    Secrets,
    Server,
    Settings,
)
from pro_sante_connect.settings.reading import SettingsProblem, dump, load, read, toml

__all__ = [
    "Appearance", "Database", "Import", "Issuer", "Lifetimes", "Messages", "Outbound", "Policy", "Retention",
    "Secrets", "Server", "Settings", "SettingsProblem", "dump", "load", "read", "toml",
]  # fmt: skip
