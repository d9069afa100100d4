"""The journal with its filters and the check of its chain; loads and why they were held."""

from dataclasses import dataclass

from flask import Blueprint, Response, request
from sqlalchemy import Select, select

from pro_sante_connect.access.permissions import Member, Permission
from pro_sante_connect.audit import journal, seal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core import database as store
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import loads
from pro_sante_connect.rpps.models import Load
from pro_sante_connect.web.context import deployment, now, reading, writing
from pro_sante_connect.web.language import word
from pro_sante_connect.web.pages import table
from pro_sante_connect.web.staff import here
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_records", __name__)

LINES, EXPORTED, WALKED = 100, 10_000, 20_000
# Parts of a load's report, as `rpps/report.py` names them.
SECTIONS = ("differences", "published", "rejects", "unknown_codes", "anomalies", "repairs")
COLUMNS = ("at", "event", "subject", "actor", "client", "address", "facts")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; empty means all."""

    subject: str
    actor: str
    event: str
    before: int | None

    def wanted(self, limit: int) -> Select[Entry]:
        """Newest first, from `before` on."""
        found = select(Entry).order_by(Entry.id.desc()).limit(limit)
        if self.subject:
            found = found.where(Entry.subject == self.subject)
        if self.actor:
            found = found.where(Entry.actor == self.actor)
        if self.event:
            found = found.where(Entry.event == self.event)
        return found if self.before is None else found.where(Entry.id < self.before)


def _filters() -> Filters:
    asked = {name: request.args.get(name, "").strip()[:200] for name in ("subject", "actor", "event", "before")}
    before = int(asked["before"]) if asked["before"].isascii() and asked["before"].isdigit() else None
    return Filters(asked["subject"], asked["actor"], asked["event"], before if before and before < 2**62 else None)


def _read(mine: Member, filters: Filters, limit: int) -> list[Entry]:
    """The entries asked for; reading them is an entry too."""
    with writing() as db:
        journal.record(
            db, Event.JOURNAL_READ, mine.actor, now=now(), origin=here.origin(mine), about=filters.subject,
            actor=filters.actor, event_read=filters.event, limit=limit,
        )  # fmt: skip
    return list(reading().scalars(filters.wanted(limit)))


@blueprint.get("/staff/journal")
def entries() -> Response:
    """Who did or saw what, when, from where."""
    mine, filters = here.member(Permission.JOURNAL), _filters()
    found = _read(mine, filters, LINES)
    checked = _checked() if "check" in request.args else None
    more = found[-1].id if len(found) == LINES else None
    events = [one.value for one in Event]
    return staff_page(
        "staff_journal.html", mine, entries=found, filters=filters, events=events, more=more, checked=checked
    )


def _checked() -> seal.Verdict:
    """Of the part of the chain that ends where it was asked for, or at its end: no page walks millions."""
    asked = request.args["check"]
    with store.reading(deployment().engine) as db:  # one transaction: the walk reads by portions
        end = seal.last(db)
        until = min(end, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 19 else end
        return seal.verify(db, first=max(1, until - WALKED + 1), until=until)


@blueprint.get("/staff/journal.csv")
def export() -> Response:
    """The same as a table for a spreadsheet, in which no cell is a formula."""
    found = _read(here.member(Permission.JOURNAL), _filters(), EXPORTED)
    return table("journal.csv", COLUMNS, ([getattr(entry, name) for name in COLUMNS] for entry in found))


@blueprint.get("/staff/loads")
def recent_loads() -> Response:
    """What was loaded, held or refused, and why."""
    mine = here.member(Permission.LOADS)
    return staff_page("staff_loads.html", mine, loads=loads.latest(reading(), limit=30))


@blueprint.get("/staff/loads/<int:load_id>")
def load(load_id: int) -> Response:
    """What it did or would do: the reasons it was held for, whom it concerns, what was odd in the files."""
    mine, one = here.member(Permission.LOADS), reading().get(Load, load_id)
    if one is None:
        raise Refusal("page-unknown")
    told = one.report
    sections = {name: told.get(name) or {} for name in SECTIONS}
    reasons = [word(f"load.{code}", **facts) for code, facts in told.get("reasons", [])]
    return staff_page(
        "staff_load.html", mine, load=one, reasons=reasons, sections=sections, samples=told.get("samples") or {},
        warnings=told.get("warnings") or [],
    )  # fmt: skip
