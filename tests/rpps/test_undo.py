"""A load that is taken back leaves everybody as before it, lifts nothing and revives nothing."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import decisions, loads, postings, registry, undo
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.models import Activite, Load, LoadChange, Posting, Practitioner
from pro_sante_connect.signals.housekeeping import purge
from tests.rpps.files import Facts, activites, last_load, load, national, notes, person, row, write
from tests.world import World

BY = Origin(actor="operator:nadia")


def _day_one() -> list[Facts]:
    moved = row(2, technical_id="F000000077")
    return [row(0), row(1), row(2), row(3), row(3, technical_id="F000000033"), row(6), row(7), moved]


def _day_two() -> list[Facts]:
    """One changed her telephone, two lost a place, one got one, one left, one came back, one is new, one is unread."""
    return [
        row(0, phone="0102030405"), row(1), row(1, technical_id="F000000011"), row(2), row(3), row(5), row(8),
        row(7, profession="X99"),
    ]  # fmt: skip


@pytest.fixture
def before() -> dict[str, Any]:
    """What `loaded` saw before the last load."""
    return {}


@pytest.fixture
def loaded(world: World, tmp_path: Path, before: dict[str, Any]) -> World:
    """Person 5 was there before day one, person 6 is in day one only, 8 in day two only."""
    for number, rows in enumerate(([row(5), *_day_one()], _day_one(), _day_two())):
        world.clock.advance(3600)
        report = load(
            world,
            write(tmp_path / str(number), rows, stamp=f"20300304091{number}"),
            write(tmp_path / str(number), [row(0, sf_kind="S", sf_code="SM26")], part=Part.KNOW_HOW),
            lenient=True,
        )
        assert report.state == "published"
        if number == 1:
            before.update(_seen(world))
    world.clock.advance(60)
    return world


def _seen(world: World) -> dict[str, Any]:
    """What the registry says of everybody, numbers of activities and dates apart."""
    found = {}
    with reading(world.engine) as db:
        for one in db.scalars(select(Practitioner)):
            dossier = registry.dossier(one)
            for exercice in dossier["exercices"]:
                for activite in exercice["activites"]:
                    del activite["id"]
            open_ = db.execute(
                select(Activite.profession, Activite.category, Activite.key)
                .where(Activite.practitioner_id == one.id, Activite.ended_at.is_(None))
                .order_by(Activite.key)
            ).all()
            found[one.national_id] = (
                one.absent_since is None, one.digest, one.unread, one.folded_name, dossier, [tuple(o) for o in open_],
            )  # fmt: skip
    return found


def _undo(world: World, number: int | None = None, reason: str = "withdrawn by the agency") -> dict[str, int]:
    return undo.undo(world.dep, number or last_load(world).id, reason=reason, origin=BY)


def test_everybody_is_as_before(loaded: World, before: dict[str, Any]) -> None:
    after = _seen(loaded)
    assert {one for one in before if after[one] != before[one]} == {national(one) for one in (0, 1, 2, 3, 5, 6, 7)}
    counts = _undo(loaded)
    new = _seen(loaded)
    present, digest, *_rest = new.pop(national(8))
    assert (present, digest) == (False, "")
    assert new == before
    assert (counts["absent"], counts["returned"], counts["changed"]) == (2, 1, 4)


def test_search_knows_it(loaded: World) -> None:
    def terms() -> Any:
        with reading(loaded.engine) as db:
            return db.execute(select(Posting.block, Posting.term, Posting.people).order_by(Posting.term)).all()

    _undo(loaded)
    kept = terms()
    with writing(loaded.engine) as db:
        db.execute(delete(Posting))
        postings.fill(db.connection())
    assert terms() == kept


def test_the_former_file_changes_nothing_afterwards(loaded: World, tmp_path: Path) -> None:
    _undo(loaded)
    files = [tmp_path / "1" / path.name for path in sorted((tmp_path / "1").iterdir())]
    again = load(loaded, *files, lenient=True)
    assert (again.state, again.differences["unchanged"], again.changes) == ("published", 6, 0)


def test_the_undone_file_may_come_again(loaded: World, tmp_path: Path) -> None:
    """Its stamp is that of no published load any more."""
    after = _seen(loaded)
    with reading(loaded.engine) as db:
        last = loads.data_of(db)
    _undo(loaded)
    with reading(loaded.engine) as db:
        earlier = loads.data_of(db)
    assert last is not None
    assert earlier == last - timedelta(minutes=1)
    again = load(loaded, *sorted((tmp_path / "2").iterdir()), lenient=True)
    assert again.state == "published"
    assert _seen(loaded) == after


def test_nothing_old_revives(loaded: World) -> None:
    """Whoever comes back is present from now on, and what comes back is a new row."""
    now = loaded.clock.now()
    with reading(loaded.engine) as db:
        highest = db.scalars(select(func.max(Activite.id))).one()
    told = len(notes(loaded))
    _undo(loaded)
    back = person(loaded, 6)
    assert (back.present_since, back.absent_since) == (now, None)
    assert all(one["id"] > highest for one in activites(loaded, 6))
    facts = {(topic, about): said for topic, about, said in notes(loaded)[told:]}
    number = last_load(loaded).id
    for index, kind in ((6, "present"), (5, "absent"), (8, "absent")):
        about = registry.subject(person(loaded, index).id)
        assert facts["practitioner:status-changed", about] == {"kind": kind, "load": number}
    ended = Counter(topic for topic, _about, _said in notes(loaded)[told:])["activite:ended"]
    assert ended == 1


def test_decisions_stand_and_what_staff_closed_stays_closed(loaded: World) -> None:
    now = loaded.clock.now()
    with writing(loaded.engine) as db:
        decisions.suspend(
            db, registry.get(db, person(loaded, 6).id), reason="DISC", authority="ONI", evidence="", note="",
            effective=now, until=now + timedelta(days=9), origin=BY, now=now,
        )  # fmt: skip
        [kept, _new] = activites(loaded, 1)
        decisions.end_activite(db, registry.get(db, person(loaded, 1).id), kept["id"], reason="CHA", origin=BY, now=now)
    _undo(loaded)
    with reading(loaded.engine) as db:
        assert registry.standing(db, person(loaded, 6).id).blocks
    assert activites(loaded, 1) == []


def test_the_journal_says_who_and_why(loaded: World) -> None:
    _undo(loaded)
    number = last_load(loaded).id
    assert (last_load(loaded).state, last_load(loaded).running) == ("undone", None)
    with reading(loaded.engine) as db:
        [entry] = [one for one in journal.trail(db, f"load:{number}") if one.event == "load:undone"]
        assert db.scalars(select(func.count()).select_from(LoadChange)).one() == 0
    assert (entry.actor, entry.facts["reason"]) == (BY.actor, "withdrawn by the agency")


def _refused(world: World, number: int, **asked: Any) -> str:
    before = _seen(world)
    with pytest.raises(Refusal) as caught:
        _undo(world, number, **asked)
    assert _seen(world) == before
    return caught.value.code


def test_only_the_last_one_once_and_with_a_reason(loaded: World) -> None:
    number = last_load(loaded).id
    assert _refused(loaded, 99) == "load-unknown"
    assert _refused(loaded, number - 1) == "load-not-undoable"
    assert _refused(loaded, number, reason=" ") == "undo-reason-missing"
    _undo(loaded)
    assert _refused(loaded, number) == "load-not-undoable"
    assert _refused(loaded, number - 1) == "load-not-undoable"


def test_the_first_load_is_not_taken_back(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path, [row()]))
    assert _refused(world, last_load(world).id) == "load-not-undoable"


def test_not_while_another_load_runs(loaded: World) -> None:
    number = last_load(loaded).id
    with writing(loaded.engine) as db:
        db.execute(update(Load).where(Load.id == number - 1).values(running=1))
    assert _refused(loaded, number) == "load-running"


def test_a_load_that_begins_at_the_same_moment_comes_first(loaded: World) -> None:
    number = last_load(loaded).id
    with ThreadPoolExecutor(1) as pool:
        with writing(loaded.engine) as db:
            db.execute(update(Load).where(Load.id == number - 1).values(running=1))
            other = pool.submit(_undo, loaded, number)
            time.sleep(0.3)  # it waits for this transaction: by the place on PostgreSQL, by the writer on SQLite
        with pytest.raises(Refusal) as caught:
            other.result()
    assert caught.value.code == "load-running"
    assert last_load(loaded).state == "published"


def test_what_was_kept_is_forgotten_with_the_rejects(loaded: World) -> None:
    loaded.clock.advance(86_400 * (loaded.dep.settings.retention.rejects + 1))
    purge(loaded.dep)
    assert _refused(loaded, last_load(loaded).id) == "load-not-undoable"
    with reading(loaded.engine) as db:
        assert db.scalars(select(func.count()).select_from(LoadChange)).one() == 0


def test_a_preview_counts_and_changes_nothing(loaded: World) -> None:
    before = _seen(loaded)
    with reading(loaded.engine) as db:
        assert undo.preview(db, last_load(loaded).id) == {
            "absent": 1, "changed": 4, "created": 1, "returned": 1, "unread": 1,
        }  # fmt: skip
    assert _seen(loaded) == before
