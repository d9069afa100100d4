"""Who of the staff is at this browser, and what she may do on this page."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import request
from werkzeug.exceptions import HTTPException

from pro_sante_connect.access import accounts, permissions, proposals, scope, sessions
from pro_sante_connect.access.models import Proposal
from pro_sante_connect.access.permissions import Member, Permission
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import database as store
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import nomenclature, registry
from pro_sante_connect.rpps.candidates import EVERYBODY, Reach
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.web import practices
from pro_sante_connect.web.context import address, deployment, now, reading, writing
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import cookie


def session_secret() -> str:
    return request.cookies.get(cookie("staff"), "")


def member(permission: Permission | None = None) -> Member:
    """The member of this browser's session; without one she signs in first. Refuses `not-permitted`."""
    found = sessions.find(reading(), session_secret(), now=now())
    if found is None:
        back = quote(request.path) if request.method == "GET" else "/staff"
        raise HTTPException(response=see_other(f"/staff/sign-in?next={back}"))
    session, account = found
    here = accounts.member(reading(), account)
    if session.last_seen_at < now() - sessions.TOUCH_AFTER:
        with writing() as db:
            sessions.touch(db, session.id, now=now())
    if permission is not None and not permissions.may(here, permission):
        raise Refusal("not-permitted")
    return here


def origin(here: Member) -> Origin:
    """For the journal."""
    return Origin(actor=here.actor, address=address())


def person(here: Member, person_id: int, permission: Permission = Permission.VIEW) -> Practitioner:
    """That person, if she is within the member's reach; refuses `practitioner-unknown`, `not-permitted`,
    `own-person`, `out-of-scope`."""
    found = registry.get(reading(), person_id)
    reason = refusal_of(here, found, permission)
    if reason:
        raise Refusal("not-permitted" if reason == "role-missing" else reason)
    return found


def refusal_of(here: Member, found: Practitioner, permission: Permission) -> str:
    """Why not, or an empty text."""
    reach = scope.reach_of(registry.dossier(found))
    if permission is Permission.VIEW:
        return permissions.may_on(here, permission, found.national_id, reach)
    # Some part of hers may be decided on, if not all of her: the decision itself is judged when it is made.
    parts: list[dict[str, Any]] = [{}]
    for one in registry.dossier(found)["exercices"]:
        parts += [{"exercice": (one["profession"], one["category"])}]
        parts += [{"activite": activite["id"]} for activite in one["activites"]]
    reasons = [permissions.may_on(here, permission, found.national_id, weighed(found, part)) for part in parts]
    return "" if "" in reasons else reasons[0]


def waiting(here: Member) -> list[tuple[Proposal, Practitioner]]:
    """Decisions that wait for a second person, about people within reach."""
    found = [(one, registry.get(reading(), one.practitioner_id)) for one in proposals.pending(reading(), now=now())]
    return [row for row in found if not refusal_of(here, row[1], Permission.VIEW)]


def weighed(found: Practitioner, terms: Mapping[str, Any]) -> scope.Reach:
    """What a decision with these terms weighs on: one exercice, one activity with its place, or the whole person."""
    whole = registry.dossier(found)
    part = whole["exercices"]
    if terms.get("exercice"):
        part = [one for one in part if [one["profession"], one["category"]] == list(terms["exercice"])]
    elif terms.get("activite"):
        held = [(one, [own for own in one["activites"] if own["id"] == terms["activite"]]) for one in part]
        part = [{**one, "activites": own} for one, own in held if own]
    return scope.reach_of({**whole, "exercices": part} if part else whole)


def looked(here: Member, *people: Practitioner) -> None:
    """A page that names somebody is an entry of the journal."""
    seen: dict[int, dict[str, Any]] = {one.id: {"protected": True} if one.protected else {} for one in people}
    if not seen:
        return
    with store.writing(deployment().engine) as db:  # the page goes on with what it read
        for number, facts in sorted(seen.items()):
            subject = registry.subject(number)
            journal.record(db, Event.PRACTITIONER_VIEWED, subject, now=now(), origin=origin(here), **facts)


def practices_of(found: Practitioner) -> list[practices.Practice]:
    """Hers, as staff read them: not where, when she is protected."""
    told = practices.of(registry.every_activite(found))
    return [replace(one, town="") for one in told] if found.protected else told


def weighs_on(found: Practitioner, terms: Mapping[str, Any]) -> str:
    """In words, what a decision with these terms weighs on; an empty text for the whole person."""
    if terms.get("activite"):
        places = {one.id: one.in_full for one in practices_of(found)}
        return places.get(terms["activite"], str(terms["activite"]))
    return nomenclature.profession_label(terms["exercice"][0]) if terms.get("exercice") else ""


def within(here: Member) -> Reach:
    """What a search may be narrowed to: one scope of plain authorities, departments and structures; else all."""
    scopes = [one.scope for one in here.held if Permission.VIEW in permissions.PERMITS[one.role]]
    if len(scopes) != 1:
        return EVERYBODY
    [own] = scopes
    orders = [scope.PROFESSIONS.get(name) for name in own.authorities]
    professions = [] if None in orders else [code for codes in orders for code in codes or ()]
    return Reach(
        professions=frozenset(professions), departments=frozenset(own.departments),
        structures=frozenset(own.structures),
    )  # fmt: skip
