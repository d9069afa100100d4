"""Decide about a person: fill in, see the consequence, confirm. What takes two is proposed."""

from typing import Any

from flask import Blueprint, Response, request

from pro_sante_connect.access import accounts, permissions
from pro_sante_connect.access.permissions import Member, Permission
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import two_signatures
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.forms import Problem, mend
from pro_sante_connect.web.language import word
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.staff import here, terms
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_decide", __name__)


def _permission(kind: str) -> Permission:
    return Permission.BLOCK if kind == "security-block" else Permission.DECIDE


def _person(person_id: int, kind: str) -> tuple[Member, Practitioner]:
    if kind not in terms.FIELDS:
        raise Refusal("page-unknown")
    mine = here.member(_permission(kind))
    return mine, here.person(mine, person_id, _permission(kind))


def _page(
    mine: Member, person: Practitioner, kind: str, *, confirmed: dict[str, Any] | None = None,
    problem: Problem | None = None,
) -> Response:  # fmt: skip
    """The form, or with the terms that were read from it what would follow."""
    return staff_page(
        "staff_decide.html", mine, status=problem.status if problem else 200, problem=problem, person=person,
        kind=kind, fields=terms.FIELDS[kind], reasons=terms.REASONS[kind], two=kind in two_signatures.TOGETHER,
        at_once=kind in two_signatures.SUSPENDS_AT_ONCE, practices=here.practices_of(person),
        exercices=_exercices(person), noted=kind not in terms.WITHOUT_NOTE, gentle=kind in terms.GENTLE,
        given=request.form,
        weighs_on=here.weighs_on(person, confirmed or {}),
        consequence=None if confirmed is None else _consequence(person, kind, confirmed),
        here=f"/staff/people/{person.id}/decide/{kind}",
    )  # fmt: skip


def _exercices(person: Practitioner) -> list[tuple[str, str]]:
    return [(one["profession"], one["category"]) for one in registry.dossier(person)["exercices"]]


def _consequence(person: Practitioner, kind: str, asked: dict[str, Any]) -> str:
    """What would follow, in words; sessions and services are counted when the whole person stops at once."""
    if kind in terms.GENTLE:
        return ""
    if asked.get("effective") or kind == "limit":
        return word("decide.consequence-later")
    usable = registry.open_activites(reading(), person.id, now=now())
    exercice, activite = asked.get("exercice"), asked.get("activite")
    left = [one for one in usable if (one.profession, one.category) != exercice and one.id != activite]
    if left and (exercice or activite):
        return word("decide.consequence-part")
    mine = sessions.of_person(reading(), person.id, idle=browser.idle(), now=now())
    services = {name for one in mine for name in sessions.clients_met(reading(), one.id)}
    return word("decide.consequence", sessions=len(mine), services=len(services))


@blueprint.get("/staff/people/<int:person_id>/decide/<kind>")
def form(person_id: int, kind: str) -> Response:
    """What, why, how long."""
    mine, person = _person(person_id, kind)
    here.looked(mine, person)
    return _page(mine, person, kind)


@blueprint.post("/staff/people/<int:person_id>/decide/<kind>")
def decide(person_id: int, kind: str) -> Response:
    """First the consequence, then the act."""
    mine, person = _person(person_id, kind)
    try:
        asked = terms.read(kind)
        _judge(mine, person, kind, asked)
        if "change" in request.form:
            return _page(mine, person, kind)
        if "confirmed" not in request.form:
            return _page(mine, person, kind, confirmed=asked)
        with writing() as db:
            accounts.hold(db, mine)
            made = two_signatures.decide(
                db, registry.get(db, person.id), kind, mine, origin=here.origin(mine), now=now(), **asked
            )
    except Refusal as refusal:
        return _page(mine, person, kind, problem=mend(refusal))
    return see_other(f"/staff/people/{person.id}?done={'proposed' if made else 'decided'}")


def _judge(mine: Member, person: Practitioner, kind: str, asked: dict[str, Any]) -> None:
    """Before the consequence is shown. The decision itself must be within a role's scope, not only the person."""
    reason = permissions.may_on(mine, _permission(kind), person.national_id, here.weighed(person, asked))
    if reason:
        raise Refusal(reason)
    two_signatures.judge(reading(), person, kind, now=now(), **asked)
