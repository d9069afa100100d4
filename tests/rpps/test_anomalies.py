"""What is odd is found in one walk, kept, forgotten when it is gone, and ignored once with a reason."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import anomalies
from pro_sante_connect.rpps.models import Anomaly, Practitioner
from tests.rpps.files import load, national, person, row, write
from tests.world import World

ADELI = {"id_type": "0", "identifier": "299900017", "national_id": "0299900017"}
SAME = {"family_name": "ARROSOIR", "given_name": "CHLOE"}
CLERK = Origin(actor="account:1")


@pytest.fixture
def odd(world: World, tmp_path: Path) -> World:
    """1 and 2 are one nurse at one place; 3 has an ADELI twin; 4's place has no number; 5 and 6 share only a name."""
    place = {"technical_id": "F000000077"}
    rows = [
        row(1, **SAME, **place), row(2, **SAME, **place), row(3, given_name="JADE"),
        row(3, given_name="JADE") | ADELI | {"technical_id": "F000000078"}, row(4, technical_id=""),
        row(5, family_name="BINETTE"), row(6, family_name="BINETTE"), row(7, profession="X99"),
    ]  # fmt: skip
    assert load(world, write(tmp_path, rows), lenient=True).state == "published"
    return world


def compute(world: World) -> dict[str, int]:
    return {kind: count for kind, count in anomalies.compute(world.dep, origin=CLERK).items() if count}


def kept(world: World, **wanted: Any) -> list[tuple[str, str, str, str]]:
    """Kind, whom, the other, detail."""
    with reading(world.engine) as db:
        names = {one.id: one.national_id for one in db.scalars(select(Practitioner))}
        found = anomalies.listed(db, **{"kind": "", "after": 0, "limit": 100} | wanted)
        return sorted(
            (one.kind, names.get(one.practitioner_id or 0, ""), names.get(one.other_id or 0, ""), one.detail)
            for one in found
        )


EXPECTED = [
    ("structure", national(4), "", "HOPITAL DU HAMAC"),
    ("unknown-code", "", "", "Code profession: X99"),
]


def test_what_is_odd_is_found_and_the_rest_is_not(odd: World) -> None:
    assert compute(odd) == {"duplicate": 1, "structure": 1, "two-numbers": 1, "unknown-code": 1}
    found = kept(odd)
    assert [one for one in found if not one[2]] == EXPECTED
    pairs = {kind: ({one, other}, detail) for kind, one, other, detail in found if other}
    assert pairs == {
        "duplicate": ({national(1), national(2)}, "F000000077"),
        "two-numbers": ({national(3), ADELI["national_id"]}, ""),
    }


@pytest.mark.parametrize("portion", [1, 2, 3])
def test_however_the_walk_is_cut_it_finds_the_same(odd: World, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    compute(odd)
    whole = kept(odd)
    monkeypatch.setattr(anomalies, "_PORTION", portion)
    monkeypatch.setattr(anomalies, "_BATCH", portion)
    compute(odd)
    assert kept(odd) == whole


def test_a_wrong_check_digit_and_refused_lines_are_found(odd: World) -> None:
    with writing(odd.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(5)).values(identifier="99820424052"))
        db.execute(update(Practitioner).where(Practitioner.national_id == national(6)).values(unread=2))
    assert compute(odd) | {"check-digit": 1, "unread": 1} == compute(odd)
    assert kept(odd, kind="check-digit") == [("check-digit", national(5), "", "99820424052")]
    with reading(odd.engine) as db:
        [unread] = anomalies.listed(db, kind="unread", after=0, limit=9)
    assert (unread.practitioner_id, unread.times) == (person(odd, 6).id, 2)


@pytest.mark.parametrize("hidden", ["protected", "absent"])
def test_who_is_protected_or_absent_is_left_out(odd: World, hidden: str) -> None:
    facts = {"protected": True} if hidden == "protected" else {"absent_since": odd.now}
    with writing(odd.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(2)).values(**facts))
    assert "duplicate" not in compute(odd)


def test_what_is_gone_is_forgotten_and_what_stays_keeps_its_number_and_its_first_day(odd: World) -> None:
    compute(odd)
    first = odd.now
    with reading(odd.engine) as db:
        before = {one.key: one.id for one in db.scalars(select(Anomaly))}
    odd.clock.advance(3600)
    with writing(odd.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(4)).values(absent_since=odd.now))
    compute(odd)
    with reading(odd.engine) as db:
        after = list(db.scalars(select(Anomaly)))
    assert {one.key: one.id for one in after} == {
        key: number for key, number in before.items() if "structure" not in key
    }
    assert {(one.found_at, one.seen_at) for one in after} == {(first, odd.now)}


def test_one_that_is_ignored_stays_so_and_says_why(odd: World) -> None:
    compute(odd)
    with reading(odd.engine) as db:
        [one] = anomalies.listed(db, kind="duplicate", after=0, limit=9)

    def ignore(reason: str) -> str:
        try:
            with writing(odd.engine) as db:
                anomalies.ignore(db, one.id, reason=reason, origin=CLERK, now=odd.now)
        except Refusal as refusal:
            return refusal.code
        return ""

    assert [ignore(reason) for reason in (" ", "twins", "again")] == ["reason-missing", "", "anomaly-unknown"]
    odd.clock.advance(60)
    compute(odd)
    assert kept(odd, kind="duplicate") == []
    with reading(odd.engine) as db:
        assert (anomalies.get(db, one.id).ignored_reason, anomalies.get(db, one.id).ignored_by) == (
            "twins",
            "account:1",
        )
        trail = [
            entry for entry in journal.trail(db, f"practitioner:{one.practitioner_id}") if "anomaly" in entry.event
        ]
    assert [(entry.event, entry.facts["reason"]) for entry in trail] == [("anomaly:ignored", "twins")]
