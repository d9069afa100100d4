"""`psc practitioner`: one person of the registry, and what staff decide about her."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import dump, json_option
from pro_sante_connect.cli.person import facts_of, tell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.rpps.models import Practitioner

_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.group()
def practitioner() -> None:
    """Show, suspend, reinstate or strike off a practitioner. ID is a RPPS number or a national identifier."""


def _deciding(command: Any) -> Any:
    """Options of every verb that decides."""
    for option in (
        click.argument("identifier", metavar="ID"),
        click.option("--reason", required=True, help="Why; kept for good, never shown to the person."),
        click.option("--actor", default="", help="Who decides, for the journal; else this machine's user."),
        json_option,
        click.pass_obj,
    )[::-1]:
        command = option(command)
    return command


@practitioner.command("show")
@click.argument("identifier", metavar="ID")
@json_option
@click.pass_obj
def show(settings_file: Path | None, identifier: str, as_json: bool) -> None:
    """Identity, status now and why, activities, decisions. Example: psc practitioner show 99820424051"""
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        facts = facts_of(db, _find(db, identifier), dep.clock.now())
    dep.engine.dispose()
    if as_json:
        dump(facts)
    else:
        tell(facts)


@practitioner.command("suspend")
@_deciding
@click.option("--until", type=_DATE, help="End of the suspension (UTC); without it, until reinstated.")
@click.option("--activity", "activite", type=int, help="Only this activity, by its number.")
@click.option("--authority", default="", help="Who ordered it.")
def suspend(settings_file: Path | None, /, **asked: Any) -> None:
    """Stop a person, or one activity, at once. Example: psc practitioner suspend 99820424051 --reason DISC"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.suspend)


@practitioner.command("strike-off")
@_deciding
@click.option("--authority", default="", help="Who ordered it.")
def strike_off(settings_file: Path | None, /, **asked: Any) -> None:
    """Strike a person off, at once. Example: psc practitioner strike-off 99820424051 --reason DISC"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.strike_off)


@practitioner.command("reinstate")
@_deciding
def reinstate(settings_file: Path | None, /, **asked: Any) -> None:
    """Lift every decision in force; nothing old revives. Example: psc practitioner reinstate ID --reason ADM"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.reinstate)


@practitioner.command("end-activity")
@_deciding
@click.option("--activity", "activite", type=int, required=True, help="Its number, as `show` gives it.")
def end_activity(settings_file: Path | None, /, **asked: Any) -> None:
    """End one activity for good. Example: psc practitioner end-activity 99820424051 --activity 12 --reason CHA"""
    from pro_sante_connect.rpps import decisions

    number = asked.pop("activite")

    def verb(db: "Session", person: "Practitioner", **facts: Any) -> None:
        decisions.end_activite(db, person, number, **facts)

    _decide(settings_file, asked, verb)


@practitioner.command("contact")
@click.argument("identifier", metavar="ID")
@click.option("--email", required=True, help="Where the first activation code goes.")
@click.option("--phone", required=True, help="Where the second one goes.")
@click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")
@json_option
@click.pass_obj
def contact(settings_file: Path | None, /, email: str, phone: str, **asked: Any) -> None:
    """Set mail address and mobile number. Example: psc practitioner contact ID --email a@b.example --phone 06…"""
    from pro_sante_connect.rpps import registry

    def verb(db: "Session", person: "Practitioner", *, origin: "Origin", now: datetime) -> None:
        registry.set_contact(db, person, email=email.strip(), phone=phone.strip(), origin=origin, now=now)

    _decide(settings_file, asked, verb)


def _decide(settings_file: Path | None, asked: dict[str, Any], verb: Callable[..., Any]) -> None:
    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import reading, writing

    identifier, actor, as_json = (asked.pop(name) for name in ("identifier", "actor", "as_json"))
    if asked.get("until") is not None:
        asked["until"] = asked["until"].replace(tzinfo=UTC)
    origin = Origin(actor=f"staff:{actor}") if actor else operator()
    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        verb(db, _find(db, identifier), origin=origin, now=dep.clock.now(), **asked)
    with reading(dep.engine) as db:
        facts = facts_of(db, _find(db, identifier), dep.clock.now())
    dep.engine.dispose()
    if as_json:
        dump(facts)
    else:
        tell(facts)


def _find(db: "Session", identifier: str) -> "Practitioner":
    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.rpps import identifiers, registry

    found = registry.find(db, identifiers.parse_typed(identifier))
    if found is None:
        raise Refusal("practitioner-unknown")
    return found
