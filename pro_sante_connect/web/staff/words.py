"""What templates of staff say of codes and facts."""

from collections.abc import Mapping

from flask import Blueprint

from pro_sante_connect.core.words import catalogue
from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.web.language import language, word


def known_reason(code: str) -> bool:
    """The reason has words; the command line takes any text."""
    return f"reason.{code}" in catalogue(language())


def event(name: str) -> str:
    """An event as the person's own history says it, or as staff do; else its name."""
    known, key = catalogue(language()), name.replace(":", "-")
    if f"history.{key}" in known:
        return word(f"history.{key}")
    return word(f"event.{key}") if f"event.{key}" in known else name


def counted(name: str) -> str:
    """What a load's report counts (`rpps/report.py`), in words; a code as it is."""
    kind, _, field = name.partition(" ")
    return word(f"load-count.{kind}", name=field) if f"load-count.{kind}" in catalogue(language()) else name


def facts(values: Mapping[str, object]) -> str:
    """`name: value, …`, as the journal keeps them."""
    return ", ".join(f"{name}: {_plain(value)}" for name, value in values.items() if value not in (None, "", []))


def _plain(value: object) -> str:
    return " ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def install(blueprint: Blueprint) -> None:
    """Filters for every template."""
    blueprint.add_app_template_filter(known_reason, "known_reason")
    blueprint.add_app_template_filter(facts, "facts")
    blueprint.add_app_template_filter(event, "event")
    blueprint.add_app_template_filter(counted, "counted")
    blueprint.add_app_template_filter(nomenclature.profession_label, "profession")
