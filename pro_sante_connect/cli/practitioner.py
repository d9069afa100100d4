"""`psc practitioner`: one person of the registry, and what staff decide about her."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import Misuse, dump, json_option
from pro_sante_connect.cli.person import facts_of, tell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.rpps.models import Practitioner

_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
_ACTOR = click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")


def _pair(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    profession, stroke, category = value.partition("/")
    if not stroke:
        raise click.BadParameter("write PROFESSION/CATEGORY, such as 60/C.")
    return profession, category


_TERMS = {
    "effective": click.option("--effective", type=_DATE, help="When it takes effect (UTC); now without it."),
    "until": click.option("--until", type=_DATE, help="When it ends (UTC); without it, when lifted."),
    "activite": click.option("--activity", "activite", type=int, help="Only this activity, by its number."),
    "exercice": click.option(
        "--exercice", metavar="PROFESSION/CATEGORY", callback=_pair, help="Only this exercice, such as 60/C."
    ),
    "authority": click.option("--authority", default="", help="Who ordered it."),
    "evidence": click.option("--evidence", default="", help="Reference of the document; not the document."),
    "note": click.option("--note", default="", help="For staff; never shown to the person."),
}
_PAPERS = ("authority", "evidence", "note")


@click.group()
def practitioner() -> None:
    """Show a practitioner, or decide about one. ID is a RPPS number or a national identifier."""


def _deciding(*terms: str) -> Callable[[Any], Any]:
    """Options of a verb that decides."""

    def options(command: Any) -> Any:
        chosen: list[Callable[[Any], Any]] = [
            click.argument("identifier", metavar="ID"),
            click.option("--reason", required=True, help="Why; kept for good, never shown to the person."),
            *(_TERMS[name] for name in terms),
            _ACTOR,
            json_option,
            click.pass_obj,
        ]
        for option in reversed(chosen):
            command = option(command)
        return command

    return options


@practitioner.command("show")
@click.argument("identifier", metavar="ID")
@_ACTOR
@json_option
@click.pass_obj
def show(settings_file: Path | None, /, identifier: str, actor: str, as_json: bool) -> None:
    """Identity, status now and why, activities, decisions; the look is journalled.

    Example: psc practitioner show 99820424051
    """
    from pro_sante_connect.audit import journal
    from pro_sante_connect.audit.events import Event
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.rpps import registry

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        person, now = _find(db, identifier), dep.clock.now()
        facts = facts_of(db, person, now)
        journal.record(db, Event.PRACTITIONER_VIEWED, registry.subject(person.id), now=now, origin=_origin(actor))
    dump(facts) if as_json else tell(facts)


@practitioner.command("suspend")
@_deciding("effective", "until", "exercice", "activite", *_PAPERS)
def suspend(settings_file: Path | None, /, **asked: Any) -> None:
    """Stop a person, an exercice or an activity. Example: psc practitioner suspend 99820424051 --reason DISC"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.suspend)


@practitioner.command("strike-off")
@_deciding("effective", "exercice", *_PAPERS)
def strike_off(settings_file: Path | None, /, **asked: Any) -> None:
    """Strike a person off the roll; her e-CPS ends. Example: psc practitioner strike-off 99820424051 --reason DISC"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.strike_off)


@practitioner.command("retire")
@_deciding("effective", "exercice", *_PAPERS)
def retire(settings_file: Path | None, /, **asked: Any) -> None:
    """Note that a person left practice; her e-CPS ends. Example: psc practitioner retire 99820424051 --reason RL"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.retire)


@practitioner.command("deceased")
@_deciding("authority", "note")
@click.option("--evidence", required=True, help="Reference of the document; not the document.")
def deceased(settings_file: Path | None, /, **asked: Any) -> None:
    """Record a death: the e-CPS ends, nobody is written to.

    Example: psc practitioner deceased 99820424051 --reason DCD --evidence acte-2030-12
    """
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.record_death)


@practitioner.command("limit")
@_deciding("exercice", "activite", *_PAPERS)
@click.option("--until", type=_DATE, required=True, help="Last moment allowed (UTC).")
def limit(settings_file: Path | None, /, **asked: Any) -> None:
    """Allow until a date, then stop: a licence, a limited authorisation.

    Example: psc practitioner limit 99820424051 --until 2031-10-31 --reason AUTO
    """
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.limit)


@practitioner.command("block")
@_deciding(*_PAPERS)
def block(settings_file: Path | None, /, **asked: Any) -> None:
    """Stop a person for safety; it falls after 72 hours, suspend to make it last.

    Example: psc practitioner block 99820424051 --reason SECU
    """
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.block)


@practitioner.command("reinstate")
@_deciding()
def reinstate(settings_file: Path | None, /, **asked: Any) -> None:
    """Lift every decision in force; nothing old revives. Example: psc practitioner reinstate ID --reason ADM"""
    from pro_sante_connect.rpps import decisions

    _decide(settings_file, asked, decisions.reinstate)


@practitioner.command("protect")
@_deciding()
def protect(settings_file: Path | None, /, **asked: Any) -> None:
    """Publish a person no more: no search, no address. Example: psc practitioner protect ID --reason PS_DANGER"""
    from pro_sante_connect.rpps import protection

    _decide(settings_file, asked, protection.protect)


@practitioner.command("unprotect")
@_deciding()
def unprotect(settings_file: Path | None, /, **asked: Any) -> None:
    """Publish a protected person again. Example: psc practitioner unprotect 99820424051 --reason ADM"""
    from pro_sante_connect.rpps import protection

    _decide(settings_file, asked, protection.lift)


@practitioner.command("end-activity")
@_deciding()
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
@_ACTOR
@json_option
@click.pass_obj
def contact(settings_file: Path | None, /, email: str, phone: str, **asked: Any) -> None:
    """Set mail address and mobile number. Example: psc practitioner contact ID --email a@b.example --phone 06…"""
    from pro_sante_connect.rpps import registry

    def verb(db: "Session", person: "Practitioner", *, origin: "Origin", now: datetime) -> None:
        registry.set_contact(db, person, email=email.strip(), phone=phone.strip(), origin=origin, now=now)

    _decide(settings_file, asked, verb)


def _decide(settings_file: Path | None, asked: dict[str, Any], verb: Callable[..., Any]) -> None:
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading, writing
    from pro_sante_connect.signals import practice

    identifier, actor, as_json = (asked.pop(name) for name in ("identifier", "actor", "as_json"))
    if asked.get("activite") is not None and asked.get("exercice") is not None:
        raise Misuse("A decision weighs on one activity or on one exercice: give --activity or --exercice.")
    for name in ("effective", "until"):
        if asked.get(name) is not None:
            asked[name] = asked[name].replace(tzinfo=UTC)
    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        practice.decide(db, _find(db, identifier), verb, origin=_origin(actor), now=dep.clock.now(), **asked)
    with reading(dep.engine) as db:
        facts = facts_of(db, _find(db, identifier), dep.clock.now())
    dump(facts) if as_json else tell(facts)


def _origin(actor: str) -> "Origin":
    from pro_sante_connect.audit.journal import Origin
    from pro_sante_connect.cli.store import operator

    return Origin(actor=f"staff:{actor}") if actor else operator()


def _find(db: "Session", identifier: str) -> "Practitioner":
    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.rpps import identifiers, registry

    found = registry.find(db, identifiers.parse_typed(identifier))
    if found is None:
        raise Refusal("practitioner-unknown")
    return found
