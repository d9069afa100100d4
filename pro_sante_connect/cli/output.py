"""How commands speak: tables, JSON, one clear sentence, exit codes."""

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click


class Stop(click.ClickException):
    """One sentence on stderr, exit code 1: refused, or something is wrong."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)


class Misuse(Stop):
    """Exit code 2: the call or the settings are wrong."""

    exit_code = 2


def stop(sentence: str) -> NoReturn:
    """End the command."""
    raise Stop(sentence)


def json_option(command: Any) -> Any:
    """`--json` on a command that lists."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")(command)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool, empty: str = "Nothing.") -> None:
    """Rows as aligned columns, or as a JSON list of objects."""
    if as_json:
        dump([dict(zip(columns, row, strict=True)) for row in rows])
        return
    if not rows:
        click.echo(empty)
        return
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[index]) for row in cells)) for index, name in enumerate(columns)]
    for line in ([name.upper() for name in columns], *cells):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    return value.isoformat(sep=" ", timespec="seconds") if hasattr(value, "isoformat") else str(value)


def dump(value: Any) -> None:
    """JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def explain(problem: Exception) -> None:
    """Raise a `Stop` for what has a sentence; return for a defect, whose traceback is wanted."""
    if isinstance(problem, click.ClickException | click.exceptions.Exit | click.Abort):
        return
    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.settings import SettingsProblem

    if isinstance(problem, SettingsProblem):
        sentences = "".join(f"\n  - {sentence}" for sentence in problem.problems)
        raise Misuse(f"The settings are wrong:{sentences}") from None
    if isinstance(problem, Refusal):
        raise Stop(_refusal(problem)) from None
    _store(problem)


def _store(problem: Exception) -> None:
    """SQLAlchemy is looked at only when it was loaded: it costs half a second."""
    if "sqlalchemy" not in sys.modules:
        return
    from sqlalchemy.exc import DBAPIError, OperationalError

    missing = getattr(getattr(problem, "orig", None), "sqlstate", "") == "42P01"  # PostgreSQL: undefined_table
    if isinstance(problem, DBAPIError) and (missing or "no such table" in str(problem.orig)):
        raise Stop("The store has no schema yet. Run: psc database upgrade") from None
    if isinstance(problem, OperationalError):
        raise Stop(f"The store does not answer: {str(problem.orig).splitlines()[0]}. Run: psc doctor") from None


def _refusal(refusal: Any) -> str:
    """The English text of a refusal, or its code and facts."""
    from pro_sante_connect.core.words import say

    if refusal.code == "vault-missing":
        return f"The secrets file {refusal.facts.get('path', '')} cannot be read. Run: psc keys init"
    try:
        return f"{say('en', f'refusal.{refusal.code}', **refusal.facts)} ({refusal.code})"
    except KeyError:
        facts = "; ".join(f"{name}: {_cell(value)}" for name, value in refusal.facts.items())
        return f"Refused: {refusal.code}" + (f" ({facts})" if facts else "")
