"""Decide about a person: fill in, see the consequence, confirm. What takes two is proposed."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from pro_sante_connect.access import permissions, scope
from pro_sante_connect.access.permissions import Member, Permission
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import two_signatures
from pro_sante_connect.web import browser
from pro_sante_connect.web.clinician import practices
from pro_sante_connect.web.clinician.forms import Problem, field, mend
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.staff import here
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_decide", __name__)

# kind → what the form asks beside reason and note
FIELDS = {
    "suspension": ("scope", "until", "authority", "evidence"), "strike-off": ("authority", "evidence"),
    "retirement": (), "death": ("evidence",), "limit": ("until",), "security-block": (),
    "reinstatement": (), "means-reset": (),
}  # fmt: skip
REASONS = {
    "suspension": ("DISC", "SANTE", "ADM", "AUT"), "strike-off": ("DISC", "ADM", "FRAUDE"),
    "retirement": ("RH", "RL", "RS", "ETR"), "death": ("DCD",), "limit": ("AUTO",),
    "security-block": ("SECU", "FRAUDE"), "reinstatement": ("ADM", "DISC", "SANTE", "AUT"),
    "means-reset": ("SECU", "FRAUDE", "ADM"),
}  # fmt: skip
WITHOUT_NOTE = ("reinstatement", "means-reset")
PARIS = ZoneInfo("Europe/Paris")


def _permission(kind: str) -> Permission:
    return Permission.BLOCK if kind == "security-block" else Permission.DECIDE


def _person(person_id: int, kind: str) -> tuple[Member, Practitioner]:
    if kind not in FIELDS:
        raise Refusal("page-unknown")
    mine = here.member(_permission(kind))
    return mine, here.person(mine, person_id, _permission(kind))


def _page(
    mine: Member, person: Practitioner, kind: str, *, confirm: bool = False, problem: Problem | None = None
) -> Response:
    usable = practices.of(registry.open_activites(reading(), person.id, now=now()))
    return staff_page(
        "staff_decide.html", mine, status=problem.status if problem else 200, problem=problem, person=person,
        kind=kind, fields=FIELDS[kind], reasons=REASONS[kind], two=kind in two_signatures.TOGETHER,
        at_once=kind in two_signatures.SUSPENDS_AT_ONCE, practices=usable, exercices=_exercices(person),
        noted=kind not in WITHOUT_NOTE, confirm=confirm, given=request.form,
        ends=_consequence(person) if confirm else None, here=f"/staff/people/{person.id}/decide/{kind}",
    )  # fmt: skip


def _exercices(person: Practitioner) -> list[tuple[str, str]]:
    return [(one["profession"], one["category"]) for one in registry.dossier(person)["exercices"]]


def _consequence(person: Practitioner) -> tuple[int, int]:
    """Sessions that end and services that are concerned, if it weighs on the whole person."""
    mine = sessions.of_person(reading(), person.id, idle=browser.idle(), now=now())
    return len(mine), len({name for one in mine for name in sessions.clients_met(reading(), one.id)})


@blueprint.get("/staff/people/<int:person_id>/decide/<kind>")
def form(person_id: int, kind: str) -> Response:
    """What, why, how long."""
    return _page(*_person(person_id, kind), kind)


@blueprint.post("/staff/people/<int:person_id>/decide/<kind>")
def decide(person_id: int, kind: str) -> Response:
    """First the consequence, then the act."""
    mine, person = _person(person_id, kind)
    try:
        terms = _terms(kind)
        _judge(mine, person, kind, terms)
        if "change" in request.form:
            return _page(mine, person, kind)
        if "confirmed" not in request.form:
            return _page(mine, person, kind, confirm=True)
        with writing() as db:
            made = two_signatures.decide(
                db, registry.get(db, person.id), kind, mine, origin=here.origin(mine), now=now(), **terms
            )
    except Refusal as refusal:
        return _page(mine, person, kind, problem=mend(refusal))
    return see_other(f"/staff/people/{person.id}?done={'proposed' if made else 'decided'}")


def _judge(mine: Member, person: Practitioner, kind: str, terms: dict[str, Any]) -> None:
    """The decision itself must be within a role's scope, not only the person; refuses `out-of-scope`."""
    reach = scope.reach_of(registry.dossier(person))
    exercice = here.exercice_of(person, terms)
    reason = permissions.may_on(mine, _permission(kind), person.national_id, reach, exercice=exercice)
    if reason:
        raise Refusal(reason)
    if not terms["reason"]:
        raise Refusal("reason-missing")
    if kind == "death" and not terms.get("evidence"):
        raise Refusal("evidence-missing")
    if kind == "limit" and not terms.get("until"):
        raise Refusal("until-missing")


def _terms(kind: str) -> dict[str, Any]:
    """What was typed, as the verbs take it; refuses `date-malformed`, `scope-unknown`."""
    terms: dict[str, Any] = {"reason": field("reason") if field("reason") in REASONS[kind] else ""}
    if kind not in WITHOUT_NOTE:
        terms["note"] = field("note")
    for name in ("authority", "evidence"):
        if name in FIELDS[kind]:
            terms[name] = field(name)
    if "until" in FIELDS[kind] and field("until"):
        terms["until"] = _end_of(field("until"))
    if "scope" in FIELDS[kind]:
        terms |= _scope(field("scope"))
    return terms


def _scope(text: str) -> dict[str, Any]:
    what, _, which = text.partition(":")
    if what == "activite" and which.isdigit() and len(which) < 19:
        return {"activite": int(which)}
    if what == "exercice" and "/" in which:
        profession, _, category = which.partition("/")
        return {"exercice": (profession, category)}
    if text not in ("", "person"):
        raise Refusal("scope-unknown")
    return {}


def _end_of(text: str) -> datetime:
    """The end of that day in Paris; refuses `date-malformed`, `until-past`."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, put on its clock below
    except ValueError:
        raise Refusal("date-malformed") from None
    end = datetime.combine(day + timedelta(days=1), time(), PARIS).astimezone(UTC)
    if end <= now():
        raise Refusal("until-past")
    return end
