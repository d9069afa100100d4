"""One person: who she is, what is in force now and why, her means and sessions, and one time line of all of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response

from pro_sante_connect.access import accounts, proposals
from pro_sante_connect.access.permissions import Member, Permission, may, may_on
from pro_sante_connect.audit import journal
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import decisions, registry, status
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import deliveries
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.language import word
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.staff import here
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_person", __name__)

LINES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One moment of the time line; `word` is an event, `actor` a name or what the journal holds."""

    at: datetime
    word: str
    actor: str
    facts: dict[str, Any]


@blueprint.get("/staff/people/<int:person_id>")
def show(person_id: int) -> Response:
    """The look itself is an entry of the journal."""
    mine = here.member(Permission.VIEW)
    person = here.person(mine, person_id)
    here.looked(mine, person)
    db = reading()
    standing = registry.standing_of(db, person)
    made = decisions.of(db, person.id)
    in_force = [one for one in made if decisions.in_force(one, now=now())]
    return staff_page(
        "staff_person.html", mine, person=person, state=status.status(standing, now=now()),
        enters=status.may_sign_in(standing, now=now()), in_force=in_force,
        ahead=[one for one in made if one.blocks_from > now() and one.lifted_at is None],
        practices=here.practices_of(person),
        usable={one.id for one in registry.usable(person, standing, now=now())},
        told=deliveries.listed(db, practitioner=person.id, limit=20),
        means=means.of(db, person.id), sessions=sessions.of_person(db, person.id, idle=browser.idle(), now=now()),
        waiting=[one for one in proposals.pending(db, now=now()) if one.practitioner_id == person.id],
        decides=_decides(mine, person), lines=time_line(person),
    )  # fmt: skip


@blueprint.post("/staff/people/<int:person_id>/sessions/end")
def end_sessions(person_id: int) -> Response:
    """All of them, now; the person may sign in again."""
    mine = here.member(Permission.BLOCK)
    person = here.person(mine, person_id, Permission.BLOCK)
    # Sessions are the whole person's.
    reason = may_on(mine, Permission.BLOCK, person.national_id, here.weighed(person, {}))
    if reason:
        raise Refusal(reason)
    with writing() as db:
        sessions.end_many(db, person.id, origin=here.origin(mine), reason="ended-by-staff", now=now())
    return see_other(f"/staff/people/{person.id}?done=ended")


def _decides(mine: Member, person: Practitioner) -> bool:
    permitted = (Permission.DECIDE, Permission.BLOCK)
    return any(may(mine, one) and not here.refusal_of(mine, person, one) for one in permitted)


def time_line(person: Practitioner) -> list[Line]:
    """Presence, decisions, activities, card, sign-ins and looks, newest first."""
    entries = journal.trail(reading(), registry.subject(person.id), limit=LINES)
    names = accounts.names(reading())
    own = word("event.person")
    names |= {registry.subject(person.id): own, "person": own, "system": word("event.system")}
    lines = [Line(one.at, one.event, names.get(one.actor, one.actor), one.facts) for one in entries]
    lines.append(Line(person.present_since, "presence:since", "", {}))
    if person.absent_since is not None:
        lines.append(Line(person.absent_since, "presence:gone", "", {}))
    return sorted(lines, key=lambda line: line.at, reverse=True)
