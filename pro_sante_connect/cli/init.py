"""`psc init`: a commented settings file, the secrets, an empty store."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import Misuse, stop

if TYPE_CHECKING:
    from pro_sante_connect.settings import Settings

BOX = "-"
QUESTIONS = (
    # group, field, question
    ("issuer", "auth_base", "Public address of the machine endpoints"),
    ("issuer", "wallet_base", "Public address of the pages"),
    ("appearance", "service_name", "Name that pages show"),
    ("database", "url", "Store"),
    ("messages", "smtp_host", "Mail relay, or - to keep messages in the message box"),
    ("messages", "sender", "Sender's mail address"),
)


@click.command()
@click.option("--yes", is_flag=True, help="Take every default, ask nothing.")
@click.option(
    "--answer", "answers", multiple=True, metavar="GROUP.FIELD=VALUE", help="An answer or any setting; may be repeated."
)
@click.pass_obj
def init(settings_file: Path | None, yes: bool, answers: tuple[str, ...]) -> None:
    """Ask six questions; write psc.toml, the secrets file and an empty store. Nothing existing is overwritten.

    \b
    Example: psc init --yes --answer issuer.auth_base=https://auth.example.org
    Exit codes: 0 written, 1 refused, 2 an answer is wrong.
    """
    from pro_sante_connect import settings as room
    from pro_sante_connect.cli.database import upgrade
    from pro_sante_connect.core.chance import SystemChance
    from pro_sante_connect.core.vault import write_secrets

    path = settings_file or Path("psc.toml")
    if path.exists():
        stop(f"{path} is already there: edit it, or name another with --settings.")
    table = _given(answers)
    if not yes:
        _ask(table)
    _choose_transport(table.setdefault("messages", {}))
    chosen = room.read(table, {})
    path.write_text(commented(chosen), "utf-8")
    path.chmod(0o600)  # it may hold the relay's password
    click.echo(f"{path}: written, every setting with its meaning.")
    try:
        write_secrets(Path(chosen.secrets.file), chance=SystemChance())
        click.echo(f"{chosen.secrets.file}: root secrets. Back them up apart from the store.")
    except FileExistsError:
        click.echo(f"{chosen.secrets.file}: already there, left as it is.")
    upgrade(chosen.database.url)
    click.echo("The store is ready. Next: psc registry import FILE…, psc client add NAME, psc doctor, psc serve")


def _given(answers: tuple[str, ...]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        group, dot, field = name.partition(".")
        if not equals or not dot:
            # Only its name: the value may be the relay's password.
            raise Misuse(f"--answer {name} must look like issuer.auth_base=https://auth.example.org")
        table.setdefault(group, {})[field] = value
    return table


def _ask(table: dict[str, Any]) -> None:
    from pro_sante_connect.settings import Settings

    defaults = Settings()
    for group, field, question in QUESTIONS:
        given = table.setdefault(group, {})
        if field in given:
            continue
        default = getattr(getattr(defaults, group), field)
        if field == "wallet_base":
            default = table["issuer"]["auth_base"]
        if field == "smtp_host":
            default = BOX
        if field == "sender" and table["messages"]["smtp_host"] == BOX:
            continue
        given[field] = click.prompt(question, default=default)


def _choose_transport(messages: dict[str, Any]) -> None:
    """A relay that was named is used."""
    if messages.get("smtp_host", BOX) == BOX:
        messages.pop("smtp_host", None)
    else:
        messages.setdefault("transport", "smtp")


def commented(settings: "Settings") -> str:
    """Every setting with its documentation; defaults stand as comments."""
    from pro_sante_connect.settings import Settings, toml

    lines = ["# Settings of Pro Santé Connect, in the open. Each may also be given as PSC_<GROUP>_<NAME>."]
    for group in fields(Settings):
        value = getattr(settings, group.name)
        notes = _documentation(type(value))
        lines += ["", f"[{group.name}]"]
        for entry in fields(value):
            held = getattr(value, entry.name)
            mark = "# " if held == entry.default else ""
            lines += [*(f"# {line}" for line in notes[entry.name]), f"{mark}{entry.name} = {toml(held)}"]
    return "\n".join(lines) + "\n"


def _documentation(group: type[Any]) -> dict[str, list[str]]:
    """The string under each field of a group of settings."""
    found = re.findall(r'^    (\w+): [^\n]*\n    """(.*?)"""', inspect.getsource(group), re.MULTILINE | re.DOTALL)
    return {name: text.split("\n") for name, text in found}
