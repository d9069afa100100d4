"""A load that looks wrong is held or refused, and then nothing of the registry changes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from pro_sante_connect.audit import journal
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import loads
from pro_sante_connect.rpps.guards import Figures, Outcome, People, verdict
from pro_sante_connect.rpps.models import Load
from pro_sante_connect.rpps.report import Report
from pro_sante_connect.settings import Import
from tests.rpps.files import TRACES, codes, everything, last_load, load, people, person, refused_or_held, row, write
from tests.world import World

OLDER = "202901010000"


@pytest.fixture
def held(world: World, tmp_path: Path) -> World:
    """100 people: one of them is 1 %."""
    load(world, write(tmp_path / "first", people(100)))
    world.clock.advance(3600)
    return world


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 1000))
def test_a_share_is_held_only_above_its_threshold(previous: int, absent: int, limit: int) -> None:
    absent = min(absent, previous)
    figures = Figures(rows=1, rejected=0, by_type={"8": People(previous, absent, 0)})
    found = verdict(figures, Import(max_absent=float(limit)))
    assert (found.outcome is Outcome.HOLD) == (absent / previous > limit / 1000)


def test_what_must_be_refused_is_not_merely_held() -> None:
    figures = Figures(rows=9, rejected=9, truncated="a.txt", by_type={"8": People(10, 10, 10)})
    found = verdict(figures, Import(min_rows=10))
    assert found.outcome is Outcome.REFUSE
    assert [code for code, _ in found.reasons] == ["truncated", "too-few-rows"]


def test_a_first_load_has_nothing_to_compare_with() -> None:
    assert verdict(Figures(rows=0, rejected=0, by_type={"8": People()}), Import()).outcome is Outcome.APPLY


def test_a_file_that_lost_more_than_one_per_cent_is_held(held: World, tmp_path: Path) -> None:
    report = refused_or_held(held, write(tmp_path, people(98)))
    assert report.reasons == [("many-absent", {"count": 2, "type": "8", "of": 100})]
    assert codes(refused_or_held(held, write(tmp_path, people(98)))) == ["many-absent"]


def test_one_per_cent_exactly_passes(held: World, tmp_path: Path) -> None:
    assert load(held, write(tmp_path, people(99))).published == {"absent": 1}


def test_a_file_of_one_type_cannot_hide_that_another_type_vanished(world: World, tmp_path: Path) -> None:
    adeli = row(500, id_type="0", identifier="001234567", national_id="0001234567")
    load(world, write(tmp_path / "a", [*people(100), adeli]))
    report = refused_or_held(world, write(tmp_path / "b", people(100)))
    assert report.reasons == [("many-absent", {"count": 1, "type": "0", "of": 1})]


def test_a_file_that_changes_too_many_people_is_held(held: World, tmp_path: Path) -> None:
    rows = people(100)
    changed = [one | {"legal_name": "AUTRE"} if number < 6 else one for number, one in enumerate(rows)]
    assert refused_or_held(held, write(tmp_path, changed)).reasons[0][0] == "many-changed"
    assert load(held, write(tmp_path, [rows[0], *changed[1:]])).state == "published"


def test_an_unknown_code_on_many_lines_is_held_as_a_new_code(held: World, tmp_path: Path) -> None:
    rows = [*people(100), *(row(index, sector="SA99") for index in range(200, 220))]
    report = refused_or_held(held, write(tmp_path, rows))
    code = "Code secteur d'activité: SA99"
    assert ("new-code", {"code": code, "count": 20}) in report.reasons
    assert report.unknown_codes == {code: 20}


def test_many_rejected_lines_hold_a_load(held: World, tmp_path: Path) -> None:
    report = refused_or_held(held, write(tmp_path, [*people(100), row(200, mode="?")]))
    assert report.reasons == [("many-rejected", {"count": 1, "of": 101})]


@pytest.mark.parametrize("cut", [30, 70_000])
def test_a_file_cut_in_its_last_line_is_refused_whatever_the_guards_allow(
    held: World, tmp_path: Path, cut: int
) -> None:
    path = write(tmp_path, people(100))
    path.write_bytes(path.read_bytes() + b"8|998" + b"x" * cut)
    assert codes(refused_or_held(held, path, lenient=True)) == ["truncated"]


def test_a_last_line_without_line_feed_is_read_when_it_is_whole(held: World, tmp_path: Path) -> None:
    path = write(tmp_path, people(101))
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    report = load(held, path)
    assert report.published == {"created": 1, "opened": 1}
    assert report.warnings == [f"no line feed at the end of {path.name}"]


def test_older_files_are_refused_unless_forced(held: World, tmp_path: Path) -> None:
    older = write(tmp_path, people(100), stamp=OLDER)
    assert codes(refused_or_held(held, older, lenient=True)) == ["older"]
    assert load(held, older, force="back to the last good day").state == "published"
    assert last_load(held).forced == "back to the last good day"


@pytest.mark.parametrize("rows", [people(1), people(101), [row(0, mode="?")]])
def test_a_dry_run_changes_nothing_and_tells_what_would_be(held: World, tmp_path: Path, rows: Any) -> None:
    before = everything(held.engine)
    path = write(tmp_path, rows)
    report = load(held, path, dry_run=True)
    assert (report.state, report.load, report.published) == ("tried", None, {})
    assert everything(held.engine) == before
    assert load(held, path).outcome == report.outcome


def test_somebody_whose_lines_are_all_damaged_keeps_the_last_good_state(held: World, tmp_path: Path) -> None:
    before = person(held, 3)
    damaged = write(tmp_path / "bad", [*people(3), row(3, sector="SA99"), *people(100)[4:]])
    for times in (1, 2):
        assert load(held, damaged, lenient=True).published == {"unread": 1}
        assert (person(held, 3).unread, person(held, 3).absent_since) == (times, None)
    assert (person(held, 3).dossier, person(held, 3).digest) == (before.dossier, before.digest)
    assert "unread-thrice" in codes(refused_or_held(held, damaged))
    good = write(tmp_path / "good", people(100))
    assert load(held, good).published == {"read": 1}
    assert person(held, 3).unread == 0


def test_lines_under_another_name_give_nobody_an_activity(held: World, tmp_path: Path) -> None:
    intruder = row(3, family_name="INTRUS", mode="L")
    other_type = row(3, id_type="89", identifier=row(3)["identifier"][1:], family_name="INTRUS")
    path = write(tmp_path, [*people(3), intruder, *people(100)[3:], other_type])
    report = load(held, path, lenient=True)
    assert report.rejects == {"name_conflict": 1, "unknown_code": 1}
    assert report.differences["unchanged"] == 100
    spelled = write(tmp_path, [*people(3), row(3, given_name="Rosé"), *people(100)[4:], row(3, mode="L")])
    assert load(held, spelled).published == {"changed": 1, "opened": 1, "ended": 0}


def test_two_loads_never_run_at_once(held: World, tmp_path: Path) -> None:
    path = write(tmp_path, people(100))
    seen: list[str] = []

    def meanwhile(stage: str, _done: int, _total: int, _rows: int) -> None:
        if stage == "read":
            with pytest.raises(Refusal) as problem:
                load(held, path)
            seen.append(problem.value.code)

    report = loads.run(held.dep, [path], progress=meanwhile)
    assert (report.state, seen) == ("published", ["load-running"])


@pytest.mark.parametrize("force", ["", "the other is stuck"])
def test_a_load_that_was_overtaken_publishes_nothing(held: World, tmp_path: Path, force: str) -> None:
    mine, theirs = write(tmp_path / "a", people(101)), write(tmp_path / "b", people(100))
    seen: list[Report] = []

    def meanwhile(stage: str, _done: int, _total: int, _rows: int) -> None:
        if stage == "read":
            with writing(held.engine) as db:
                late = held.now if force else held.now - timedelta(minutes=10)
                db.execute(update(Load).where(Load.running == 1).values(heartbeat_at=late))
            seen.append(load(held, theirs, force=force))

    with pytest.raises(Refusal, match="load-taken-over"):
        loads.run(held.dep, [mine], progress=meanwhile)
    assert [report.state for report in seen] == ["published"]
    with reading(held.engine) as db:
        assert [one.state for one in loads.latest(db, limit=2)] == ["published", "aborted"]
    assert load(held, mine).published["created"] == 1


def test_a_load_gives_signs_of_life(held: World, tmp_path: Path) -> None:
    beats: list[float] = []

    def watch(stage: str, done: int, _total: int, _rows: int) -> None:
        if stage == "compare":
            beats.append((held.now - last_load(held).heartbeat_at).total_seconds())
            held.clock.advance(5)

    loads.run(held.dep, [write(tmp_path, people(100))], progress=watch)
    assert len(beats) == 64
    assert max(beats) <= 20


def test_a_load_that_breaks_off_leaves_its_place_and_says_so(held: World, tmp_path: Path) -> None:
    before = everything(held.engine, but=TRACES)

    def fail(stage: str, _done: int, _total: int, _rows: int) -> None:
        if stage == "publish":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loads.run(held.dep, [write(tmp_path, people(101))], progress=fail)
    assert everything(held.engine, but=TRACES) == before
    last = last_load(held)
    assert (last.state, last.running, last.report) == ("aborted", None, {"problem": "KeyboardInterrupt"})
    assert load(held, write(tmp_path, people(101))).published["created"] == 1


def test_a_file_that_is_no_extract_is_refused_and_journalled(held: World, tmp_path: Path) -> None:
    before = everything(held.engine, but=TRACES)
    path = write(tmp_path, people(1))
    path.write_text("Nom|Couleur\n", "utf-8")
    with pytest.raises(Refusal, match="extract-header"):
        load(held, path)
    assert everything(held.engine, but=TRACES) == before
    last = last_load(held)
    assert (last.state, last.report["problem"], last.report["found"]) == ("refused", "extract-header", "Nom, Couleur")


def test_a_load_that_broke_off_or_lost_its_place_is_journalled(held: World, tmp_path: Path) -> None:
    def fail(stage: str, _done: int, _total: int, _rows: int) -> None:
        if stage == "publish":
            raise KeyboardInterrupt
        if stage == "compare" and taking:
            load(held, write(tmp_path / "b", people(100)), force=taking.pop())

    taking: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        loads.run(held.dep, [write(tmp_path, people(101))], progress=fail)
    broken = last_load(held).id
    taking.append("the other is stuck")
    with pytest.raises(Refusal, match="load-taken-over"):
        loads.run(held.dep, [write(tmp_path, people(100))], progress=fail)
    with reading(held.engine) as db:
        trails = [journal.trail(db, f"load:{number}") for number in (broken, broken + 1)]
    assert [[entry.event for entry in trail] for trail in trails] == [["load:aborted"]] * 2
    assert [trail[0].facts for trail in trails] == [
        {"cause": "KeyboardInterrupt"},
        {"cause": "taken-over", "forced": "the other is stuck"},
    ]
