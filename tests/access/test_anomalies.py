"""The list of anomalies over HTTP: within the scope, by pages, as CSV, ignored with a reason."""

import csv
import io

import pytest
from sqlalchemy import select

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.rpps import protection, registry
from pro_sante_connect.rpps.anomalies import Found
from pro_sante_connect.rpps.models import Anomaly
from pro_sante_connect.web.staff import anomalies as page
from tests.access.clerk import clerk
from tests.oidc.parties import NATIONAL_ID, Cast, make_cast
from tests.serving import Served


@pytest.fixture
def people(served: Served) -> Cast:
    return make_cast(served.world)


def kept(served: Served, *found: Found) -> list[int]:
    with writing(served.world.engine) as db:
        rows = [Anomaly(**one.row(served.world.now)) for one in found]
        db.add_all(rows)
        db.flush()
        return [one.id for one in rows]


def entries(served: Served, event: str) -> list[tuple[str, object]]:
    with reading(served.world.engine) as db:
        found = db.scalars(select(Entry).where(Entry.event == event).order_by(Entry.id))
        return [(one.subject, one.facts.get("found") or one.facts.get("reason")) for one in found]


def test_a_member_sees_those_within_her_scope_and_each_look_is_an_entry(served: Served, people: Cast) -> None:
    person = people.practitioner
    [own, code] = kept(served, Found("structure", person, detail="LILAS"), Found("unknown-code", detail="mode: Z"))
    doctors = clerk(served, "rosa", "registrar", authorities=("CNOM",))
    chemists = clerk(served, "paul", "registrar", authorities=("CNOP",))
    assert {f"/staff/anomalies/{number}" in doctors.open("/staff/anomalies") for number in (own, code)} == {True}
    assert entries(served, "anomalies:read")[-1] == ("registry", [person])
    seen = chemists.open("/staff/anomalies")
    assert (NATIONAL_ID in seen, "LILAS" in seen, "mode: Z" in seen) == (False, False, True)
    chemists.open(f"/staff/anomalies/{own}")
    assert chemists.page.status_code == 404
    assert "LILAS" not in chemists.open("/staff/anomalies.csv")
    only = doctors.open("/staff/anomalies?kind=unknown-code")
    assert ("LILAS" in only, "mode: Z" in only) == (False, True)


def test_who_was_protected_since_is_not_named(served: Served, people: Cast) -> None:
    kept(served, Found("structure", people.practitioner, detail="LILAS"))
    who = clerk(served, "rosa", "registrar")
    assert NATIONAL_ID in who.open("/staff/anomalies")
    with writing(served.world.engine) as db:
        person = registry.get(db, people.practitioner)
        protection.protect(db, person, reason="PS_DANGER", origin=SYSTEM, now=served.world.now)
    assert NATIONAL_ID not in who.open("/staff/anomalies") + who.open("/staff/anomalies.csv")


@pytest.mark.parametrize(("lines", "examined"), [(2, 300), (50, 2)])
def test_pages_follow_each_other_to_the_end(
    served: Served, monkeypatch: pytest.MonkeyPatch, lines: int, examined: int
) -> None:
    monkeypatch.setattr(page, "LINES", lines)
    monkeypatch.setattr(page, "EXAMINED", examined)
    numbers = kept(served, *(Found("unknown-code", detail=f"mode: Z{index}") for index in range(5)))
    who, seen, path = clerk(served, "rosa", "reader"), list[int](), "/staff/anomalies"
    for _ in range(3):
        text = who.open(path)
        seen += [number for number in numbers if f'href="/staff/anomalies/{number}"' in text]
        path = text.partition('id="following" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert (seen, path) == (numbers, "")
    assert who.open("/staff/anomalies?after=é&kind=none").count("<article") == 2


def test_no_cell_of_the_table_is_a_formula(served: Served, people: Cast) -> None:
    kept(served, Found("structure", people.practitioner, detail="=HYPERLINK(1)"))
    who = clerk(served, "rosa", "reader")
    head, line = csv.reader(io.StringIO(who.open("/staff/anomalies.csv")))
    told = dict(zip(head, line, strict=True))
    assert (told["detail"], told["national_id"], told["other_name"]) == ("'=HYPERLINK(1)", NATIONAL_ID, "")
    assert who.page.headers["Content-Disposition"] == "attachment; filename=anomalies.csv"


def test_one_is_ignored_with_a_reason_by_who_may_decide(served: Served, people: Cast) -> None:
    [number] = kept(served, Found("structure", people.practitioner, detail="LILAS"))
    path = f"/staff/anomalies/{number}"
    reader, rosa = clerk(served, "lea", "reader"), clerk(served, "rosa", "registrar")
    assert 'id="ignore"' not in reader.open(path)
    reader.open("/staff")
    token = reader.page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = reader.visitor.session.post(served.base + path, {"csrf_token": token, "reason": "x"}, timeout=20)
    assert answer.status_code == 403
    rosa.open(path)
    rosa.visitor.send(path, reason=" ")
    assert rosa.page.status_code == 422
    rosa.visitor.send(path, reason="cabinet mobile")
    assert "LILAS" not in rosa.open("/staff/anomalies")
    assert "cabinet mobile" in rosa.open(path)
    assert entries(served, "anomaly:ignored") == [(f"practitioner:{people.practitioner}", "cabinet mobile")]
