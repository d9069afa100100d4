"""What is odd in the registry, as far as the member's scope goes; computed by `psc registry anomalies`, not here."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from pro_sante_connect.access import accounts
from pro_sante_connect.access.permissions import Member, Permission, may
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import anomalies, registry
from pro_sante_connect.rpps.models import Anomaly, Practitioner
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.forms import Problem, field, mend
from pro_sante_connect.web.pages import see_other, table
from pro_sante_connect.web.staff import here
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_anomalies", __name__)

LINES, EXAMINED, EXPORTED = 50, 300, 2000
COLUMNS = ("number", "kind", "detail", "times", "found", "national_id", "name", "other_national_id", "other_name")


@dataclass(frozen=True, slots=True)
class Row:
    """One anomaly, and whom it is about."""

    anomaly: Anomaly
    people: tuple[Practitioner, ...]


def _row(one: Anomaly) -> Row:
    numbers = (one.practitioner_id, one.other_id)
    return Row(one, tuple(registry.get(reading(), number) for number in numbers if number is not None))


def _visible(mine: Member, row: Row) -> bool:
    """Everybody whom it names is within reach, and published."""
    return not any(one.protected or here.refusal_of(mine, one, Permission.VIEW) for one in row.people)


def _read(mine: Member, kind: str, *, lines: int, examined: int) -> tuple[list[Row], int | None]:
    """Rows from the one asked for on, and where the next page begins; reading them is an entry of the journal."""
    asked = request.args.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
    rows: list[Row] = []
    following: int | None = None
    looked_at = anomalies.listed(reading(), kind=kind, after=after, limit=examined)
    for one in looked_at:
        row = _row(one)
        if _visible(mine, row):
            rows.append(row)
        if len(rows) == lines or (one is looked_at[-1] and len(looked_at) == examined):
            following = one.id
            break
    shown = sorted({one.id for row in rows for one in row.people})
    with writing() as db:
        journal.record(db, Event.ANOMALIES_READ, "registry", now=now(), origin=here.origin(mine), found=shown)
    return rows, following


def _kind() -> str:
    asked = request.args.get("kind", "")
    return asked if asked in anomalies.KINDS else ""


@blueprint.get("/staff/anomalies")
def listed() -> Response:
    """By number, a page at a time."""
    mine, kind = here.member(Permission.VIEW), _kind()
    rows, following = _read(mine, kind, lines=LINES, examined=EXAMINED)
    return staff_page("staff_anomalies.html", mine, rows=rows, kind=kind, kinds=anomalies.KINDS, following=following)


@blueprint.get("/staff/anomalies.csv")
def export() -> Response:
    """The same as a table for a spreadsheet, in which no cell is a formula."""
    rows, _following = _read(here.member(Permission.VIEW), _kind(), lines=EXPORTED, examined=EXPORTED)
    return table("anomalies.csv", COLUMNS, (_cells(row) for row in rows))


def _cells(row: Row) -> list[Any]:
    one = row.anomaly
    people = [value for who in row.people for value in (who.national_id, f"{who.family_name} {who.given_name}")]
    told = [one.id, one.kind, one.detail, one.times, one.found_at, *people]
    return told + [""] * (len(COLUMNS) - len(told))


def _one(mine: Member, number: int) -> Row:
    row = _row(anomalies.get(reading(), number))
    if not _visible(mine, row):
        raise Refusal("anomaly-unknown")
    return row


def _page(mine: Member, row: Row, problem: Problem | None = None) -> Response:
    return staff_page(
        "staff_anomaly.html", mine, status=problem.status if problem else 200, problem=problem, row=row,
        ignores=_ignores(mine, row),
    )  # fmt: skip


def _ignores(mine: Member, row: Row) -> bool:
    return may(mine, Permission.DECIDE) and not any(here.refusal_of(mine, one, Permission.DECIDE) for one in row.people)


@blueprint.get("/staff/anomalies/<int:number>")
def show(number: int) -> Response:
    """Whom it is about, and what may be done."""
    mine = here.member(Permission.VIEW)
    row = _one(mine, number)
    here.looked(mine, *row.people)
    return _page(mine, row)


@blueprint.post("/staff/anomalies/<int:number>")
def ignore(number: int) -> Response:
    """List it no more, with a reason."""
    mine = here.member(Permission.VIEW)
    row = _one(mine, number)
    if not _ignores(mine, row):
        raise Refusal("not-permitted")
    try:
        with writing() as db:
            accounts.hold(db, mine)
            anomalies.ignore(db, number, reason=field("reason"), origin=here.origin(mine), now=now())
    except Refusal as refusal:
        return _page(mine, row, mend(refusal))
    return see_other("/staff/anomalies")
