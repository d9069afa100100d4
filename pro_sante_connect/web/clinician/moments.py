"""Moments and spans in words, on the clock of the people who read them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint

from pro_sante_connect.web.language import word

PARIS = ZoneInfo("Europe/Paris")


def day(moment: datetime) -> str:
    """`3 mars 2026`."""
    here = moment.astimezone(PARIS)
    number = word("date.first") if here.day == 1 else here.day
    return word("date.day", day=number, month=word("date.months").split()[here.month - 1], year=here.year)


def hour(moment: datetime) -> str:
    """`14 h 32`."""
    here = moment.astimezone(PARIS)
    return word("date.hour", hour=here.hour, minute=f"{here.minute:02d}")


def day_and_hour(moment: datetime) -> str:
    """`3 mars 2026 à 14 h 32`."""
    return word("date.moment", day=day(moment), hour=hour(moment))


def span(seconds: int) -> str:
    """`1 min 54 s`, `40 secondes`."""
    if seconds == 1:
        return word("date.one-second")
    if seconds < 60:
        return word("date.seconds", seconds=max(seconds, 0))
    return word("date.minutes", minutes=seconds // 60, seconds=f"{seconds % 60:02d}")


def in_words(facts: dict[str, object]) -> dict[str, object]:
    """The facts of a refusal as its text may take them: moments become days."""
    return {name: day(value) if isinstance(value, datetime) else value for name, value in facts.items()}


def install(blueprint: Blueprint) -> None:
    """Filters for every template."""
    for name, function in (("day", day), ("hour", hour), ("moment", day_and_hour), ("span", span)):
        blueprint.add_app_template_filter(function, name)
    blueprint.add_app_template_filter(in_words)
