"""The command answers at once and says what it does."""

import subprocess
import sys

import click
import pytest

from pro_sante_connect.cli import COMMANDS, psc
from tests.cli.conftest import call

HEAVY = (
    "sqlalchemy",
    "flask",
    "werkzeug",
    "authlib",
    "joserfc",
    "cryptography",
    "alembic",
    "webauthn",
    "granian",
    "rich",
)


def commands() -> list[list[str]]:
    """Every command with its group."""
    context = click.Context(psc)
    found: list[list[str]] = []
    for name in COMMANDS:
        command = psc.get_command(context, name)
        found += [[name, part] for part in command.commands] if isinstance(command, click.Group) else [[name]]
    return found


def test_help_loads_nothing_heavy() -> None:
    script = f"import sys; from pro_sante_connect.cli import main; sys.argv = ['psc', '--help']\n" \
        f"try: main()\nexcept SystemExit: pass\nprint([name for name in {HEAVY!r} if name in sys.modules])"  # fmt: skip
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip().splitlines()[-1] == "[]"


def test_help_names_every_command() -> None:
    said = call("--help").output
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Example: psc" in " ".join(result.output.split())


def test_the_version_is_told() -> None:
    assert call("--version").output.startswith("psc, version ")


def test_an_unknown_command_is_a_wrong_call() -> None:
    assert call("frobnicate").exit_code == 2
