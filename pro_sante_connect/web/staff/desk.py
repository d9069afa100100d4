"""The desk: what waits for me. And the search for a person."""

from typing import Any

from flask import Blueprint, Response, request

from pro_sante_connect.access import proposals
from pro_sante_connect.access.permissions import Member, Permission, may
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import identifiers, loads, registry, status
from pro_sante_connect.rpps.models import HELD, PUBLISHED, Practitioner
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.pages import page, see_other
from pro_sante_connect.web.staff import here, words

blueprint = Blueprint("staff_desk", __name__)
words.install(blueprint)

HITS = 20


def staff_page(template: str, mine: Member, /, **facts: Any) -> Response:
    """A page with the member's own navigation."""
    return page(template, member=mine, may={one.value for one in Permission if may(mine, one)}, **facts)


@blueprint.get("/staff")
def desk() -> Response:
    """Counters that are links."""
    mine = here.member()
    pending = proposals.pending(reading(), now=now())
    recent = loads.latest(reading(), limit=50)
    return staff_page(
        "staff_desk.html", mine,
        waiting=sum(one.author_id != mine.id for one in pending), own=sum(one.author_id == mine.id for one in pending),
        held=sum(one.state == HELD for one in recent),
        last=next((one for one in recent if one.state == PUBLISHED), None),
    )  # fmt: skip


@blueprint.get("/staff/people")
def search() -> Response:
    """One box: a number, or the beginning of a name."""
    mine = here.member(Permission.VIEW)
    text = request.args.get("q", "").strip()[:200]
    people, exact = _find(text) if text else ([], False)
    people = [one for one in people if not here.refusal_of(mine, one, Permission.VIEW)]
    if text:
        with writing() as db:
            # Never the text: it is mostly a name.
            journal.record(
                db, Event.REGISTRY_SEARCHED, mine.actor, now=now(), origin=here.origin(mine), hits=len(people)
            )
    if exact and people:
        return see_other(f"/staff/people/{people[0].id}")
    standings = {one.id: status.status(registry.standing_of(reading(), one), now=now()) for one in people}
    return staff_page("staff_people.html", mine, text=text, people=people, statuses=standings, many=len(people) >= HITS)


def _find(text: str) -> tuple[list[Practitioner], bool]:
    try:
        found = registry.find(reading(), identifiers.parse_typed(text))
    except Refusal:
        return registry.by_name(reading(), text, limit=HITS), False
    return ([found] if found else []), found is not None
