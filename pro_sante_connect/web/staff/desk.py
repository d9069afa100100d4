"""The desk: what waits for me. And the search for a person."""

from typing import Any

from flask import Blueprint, Response, request

from pro_sante_connect.access.permissions import Member, Permission, may
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.rpps import loads, registry
from pro_sante_connect.rpps.candidates import Filters
from pro_sante_connect.rpps.models import HELD, PUBLISHED
from pro_sante_connect.rpps.search import search as registry_search
from pro_sante_connect.rpps.status import Status
from pro_sante_connect.rpps.why import Kind
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
    pending = [one for one, _ in here.waiting(mine)]
    recent = loads.latest(reading(), limit=50)
    return staff_page(
        "staff_desk.html", mine,
        waiting=sum(one.author_id != mine.id for one in pending), own=sum(one.author_id == mine.id for one in pending),
        held=sum(one.state == HELD for one in recent),
        last=next((one for one in recent if one.state == PUBLISHED), None),
    )  # fmt: skip


@blueprint.get("/staff/people")
def search() -> Response:
    """One box, and what narrows it; each hit says why."""
    mine = here.member(Permission.VIEW)
    asked = {name: request.args.get(name, "").strip()[:200] for name in ("q", "department", "status")}
    if not any(asked.values()):
        return staff_page("staff_people.html", mine, asked=asked, hits=[], statuses=list(Status), more=False)
    filters = Filters(department=asked["department"].upper(), status=asked["status"])
    found = registry_search(reading(), asked["q"], filters=filters, within=here.within(mine), limit=HITS, now=now())
    # The statement narrows by what it can; who may be seen is judged by the rules themselves.
    hits = [hit for hit in found.hits if not here.refusal_of(mine, registry.get(reading(), hit.id), Permission.VIEW)]
    with writing() as db:
        journal.record(
            db, Event.REGISTRY_SEARCHED, "registry", now=now(), origin=here.origin(mine),
            found=[hit.id for hit in hits], more=found.more,
        )  # fmt: skip
    if len(hits) == 1 and hits[0].why[:1] and hits[0].why[0].kind is Kind.IDENTIFIER:
        return see_other(f"/staff/people/{hits[0].id}")
    return staff_page("staff_people.html", mine, asked=asked, hits=hits, statuses=list(Status), more=found.more)
