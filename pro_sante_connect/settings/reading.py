"""A file and the environment become settings, or every problem at once. `load` is the only place that looks around."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from pro_sante_connect.settings.fields import Settings
from pro_sante_connect.settings.kinds import Kind

_SHOWN = 60


class SettingsProblem(Exception):
    """Everything that is wrong with the settings, one sentence each: which one, and what to write instead."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def kinds(group: type[Any]) -> dict[str, Kind]:
    """What each setting of a group may hold."""
    hints = get_type_hints(group, include_extras=True)
    return {entry.name: hints[entry.name].__metadata__[0] for entry in fields(group)}


def read(table: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from a parsed TOML table and environment variables; raises `SettingsProblem` with every problem."""
    problems: list[str] = []
    groups = get_type_hints(Settings)
    chosen = {}
    variables = {"PSC_SETTINGS"}
    for name, group in groups.items():
        given = table.get(name, {})
        if not isinstance(given, Mapping):
            problems.append(f"[{name}] is no table: write [{name}] on a line of its own, its settings below it")
            given = {}
        variables |= {_variable(name, entry.name) for entry in fields(group)}
        chosen[name] = _group(name, group, given, environment, problems)
    problems += [_unknown(f"[{key}]", key, groups, "group of settings") for key in table if key not in groups]
    mine = (key for key in environment if key.startswith("PSC_"))
    problems += [_unknown(key, key, variables, "setting") for key in mine if key not in variables]
    if problems:
        raise SettingsProblem(problems)
    return Settings(**chosen)


def _group(
    name: str, group: type[Any], given: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]
) -> Any:
    allowed = kinds(group)
    problems += [_unknown(f"[{name}] {key}", key, allowed, "setting") for key in given if key not in allowed]
    values: dict[str, Any] = {}
    for key, kind in allowed.items():
        variable = _variable(name, key)
        where = variable if variable in environment else f"[{name}] {key}"
        value = environment.get(variable, given.get(key))
        if value is None:
            continue
        try:
            values[key] = kind.take(value)
        except ValueError:
            said = "" if kind.secret else f" = {_short(value)}"
            problems.append(f"{where}{said}: write {kind.words}")
    return group(**values)


def _variable(group: str, name: str) -> str:
    return f"PSC_{group}_{name}".upper()


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= _SHOWN else said[:_SHOWN] + "…"


def _unknown(where: str, key: str, known: Iterable[str], what: str) -> str:
    """Never its value: what has a wrong name may be a password."""
    near = get_close_matches(key, list(known), 1)
    return f"{where} is not a {what}: remove it" + (f", or write {near[0]}" if near else "")


def load(path: Path | None = None) -> Settings:
    """Settings of this machine: the file named, else `PSC_SETTINGS`, else `psc.toml` here if there is one."""
    environment = dict(os.environ)
    chosen = path or Path(environment.get("PSC_SETTINGS", "psc.toml"))
    table: Mapping[str, Any] = {}
    if chosen.exists():
        try:
            table = tomllib.loads(chosen.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
            raise SettingsProblem([f"{chosen}: {problem}"]) from problem
    elif path is not None or "PSC_SETTINGS" in environment:
        raise SettingsProblem([f"{chosen}: no such file; make it with psc init, or name another with --settings"])
    return read(table, environment)


def dump(settings: Settings) -> str:
    """The settings as TOML, defaults left out."""
    lines: list[str] = []
    for group in fields(settings):
        value = getattr(settings, group.name)
        changed = [entry.name for entry in fields(value) if getattr(value, entry.name) != entry.default]
        if changed:
            lines.append(f"[{group.name}]")
            lines += [f"{name} = {toml(getattr(value, name))}" for name in changed]
            lines.append("")
    return "\n".join(lines)


def toml(value: Any) -> str:
    """One value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
