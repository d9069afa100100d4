"""`docs/reference.md`, written from the code: settings, addresses, commands, refusals, events, topics.

.venv/bin/python -m tests.reference    writes it; tests/test_documentation.py compares it
"""

import inspect
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from pro_sante_connect.app import create_app, load_models
from pro_sante_connect.audit.events import Event
from pro_sante_connect.cli import COMMANDS, psc
from pro_sante_connect.core.database import open_engine
from pro_sante_connect.core.models import Base
from pro_sante_connect.core.outbox import TOPICS
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.core.words import catalogue
from pro_sante_connect.settings import Database, Settings
from pro_sante_connect.settings.reading import kinds
from pro_sante_connect.web.endpoints import machines

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """# Reference

Written from the code by `.venv/bin/python -m tests.reference`; a test fails when it is out of date.
"""


def described(holder: type) -> dict[str, str]:
    """The string under each name of a class."""
    found = re.findall(r'^    (\w+)[^\n]*\n    """(.*?)"""', inspect.getsource(holder), re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in found}


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def settings() -> Iterable[tuple[str, ...]]:
    for group in fields(Settings):
        value = getattr(Settings(), group.name)
        words, allowed = described(type(value)), kinds(type(value))
        for entry in fields(value):
            held = getattr(value, entry.name)
            default = "" if held in ("", ()) else f"`{held}`"
            variable = f"PSC_{group.name}_{entry.name}".upper()
            name = f"`[{group.name}] {entry.name}`"
            yield name, f"`{variable}`", default, allowed[entry.name].words, words[entry.name]


def addresses() -> Iterable[tuple[str, ...]]:
    app, fast = _application(), machines.routes(Settings().issuer)
    for path, route in fast.items():
        yield f"`{path}`", ", ".join(route.methods), _first(route.endpoint)
    rules = {}
    for rule in app.url_map.iter_rules():
        if rule.rule not in fast and rule.endpoint != "static":
            methods = sorted(rule.methods - {"HEAD", "OPTIONS"})
            rules[rule.rule, ", ".join(methods)] = _first(app.view_functions[rule.endpoint])
    for (path, methods), words in sorted(rules.items()):
        yield f"`{path}`", methods, words


def _application() -> Any:
    """The application over an empty store."""
    load_models()
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.sqlite3"
        engine = open_engine(url)
        Base.metadata.create_all(engine)
        engine.dispose()
        app = create_app(Settings(database=Database(url=url)), vault=vault_of((b"k" * 32,)))
        app.extensions["psc"].dep.engine.dispose()
    return app


def _first(function: object) -> str:
    return (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")


def commands() -> Iterable[tuple[str, ...]]:
    context = click.Context(psc)
    for name in COMMANDS:
        command = psc.get_command(context, name)
        parts = command.commands.items() if isinstance(command, click.Group) else [("", command)]
        for part, body in parts:
            if body is not None:
                yield f"`psc {name} {part}`".replace(" `", "`"), body.get_short_help_str(200)


def refusals() -> Iterable[tuple[str, ...]]:
    french, english = catalogue("fr"), catalogue("en")
    for key in sorted(english):
        if key.startswith("refusal."):
            yield f"`{key.removeprefix('refusal.')}`", english[key], french[key]


def written() -> str:
    """The whole page."""
    events = described(Event)
    parts = [
        HEAD,
        "## Settings\n\nA TOML file (`psc.toml`, or `--settings`, or `PSC_SETTINGS`); the environment wins.\n",
        table(("Setting", "Environment", "Default", "What to write", "Meaning"), settings()),
        "\n## Addresses\n",
        table(("Address", "Methods", "What it does"), addresses()),
        "\n## Commands\n\n`psc COMMAND --help` tells options and exit codes.\n",
        table(("Command", "What it does"), commands()),
        "\n## Refusals shown on pages\n\nThe code is stable; `{…}` are facts.\n",
        table(("Code", "English", "French"), refusals()),
        "\n## Events of the journal\n",
        table(("Event", "Meaning"), [(f"`{event.value}`", events[event.name]) for event in Event]),
        "\n## Topics of the outbox\n",
        table(("Topic", "Meaning"), [(f"`{topic}`", words) for topic, words in TOPICS.items()]),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
