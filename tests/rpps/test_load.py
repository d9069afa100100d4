"""A load makes the registry say what the files say, touches only who changed, and deletes nobody."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.demo.extract import Variant, write_extract
from pro_sante_connect.rpps import loads, registry
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.models import Activite, Practitioner
from pro_sante_connect.rpps.status import may_sign_in, unbroken
from tests.rpps.files import (
    LENIENT,
    TRACES,
    Facts,
    activites,
    dossier,
    everything,
    guarded,
    last_load,
    load,
    national,
    notes,
    people,
    person,
    row,
    write,
)
from tests.world import World


@pytest.fixture
def held(world: World, tmp_path: Path) -> World:
    """People 0 to 3, loaded an hour ago."""
    assert load(world, write(tmp_path / "first", people(4))).state == "published"
    world.clock.advance(3600)
    return world


def again(world: World, folder: Path, rows: list[Facts], **options: Any) -> dict[str, int]:
    """What a second load writes; so few people would be held without a reason."""
    report = load(world, write(folder, rows), **{"lenient": True} | options)
    assert report.state == "published"
    return {what: count for what, count in report.published.items() if count}


def alive(world: World, index: int, since: float) -> tuple[bool, bool]:
    """May sign in now; and what began `since` seconds ago still lives."""
    with reading(world.engine) as db:
        standing = registry.standing(db, person(world, index).id)
    start = world.now - timedelta(seconds=since)
    return may_sign_in(standing, now=world.now), unbroken(standing, since=start, now=world.now)


def activity_rows(world: World, index: int) -> list[tuple[int, bool]]:
    with reading(world.engine) as db:
        rows = select(Activite.id, Activite.ended_at).where(Activite.practitioner_id == person(world, index).id)
        return [(number, ended is not None) for number, ended in db.execute(rows.order_by(Activite.id))]


def test_a_first_load_brings_in_everybody_as_the_file_says(world: World, tmp_path: Path) -> None:
    rows = [*people(2), row(1, mode="L", phone="0199000001"), row(2, profession="", category="", mode="", sector="",
        technical_id="", legal_name="", authority="")]  # fmt: skip
    report = load(world, write(tmp_path, rows))
    assert (report.state, report.people, report.published) == ("published", 3, {"created": 3, "opened": 3})
    found = person(world, 1)
    assert (found.national_id, found.id_type + found.identifier) == (national(1), national(1))
    assert (found.origin, found.civility, found.family_name) == ("extract", "MME", row(1)["family_name"])
    assert (found.present_since, found.absent_since, found.protected) == (world.now, None, False)
    assert [(one["mode"], one["structure"]["phone"]) for one in activites(world, 1)] == [("S", ""), ("L", "0199000001")]
    assert dossier(world, 2)["exercices"] == []
    assert [number for number, _ in activity_rows(world, 1)] == [one["id"] for one in activites(world, 1)]
    assert all(alive(world, index, 0) == (True, True) for index in range(3))
    assert notes(world) == []


def test_a_load_is_journalled_with_its_files_and_its_counts(held: World) -> None:
    last = last_load(held)
    assert (last.state, last.running, last.stamp_origin, last.author) == ("published", None, "name", "system")
    assert [(one["rows"], one["columns"]) for one in last.files] == [(4, 56)]
    with reading(held.engine) as db:
        [entry] = journal.trail(db, f"load:{last.id}")
    assert (entry.event, entry.facts["counts"]) == (Event.LOAD_PUBLISHED.value, {"created": 4, "opened": 4})
    assert entry.facts["files"] == last.files


@pytest.mark.parametrize("change", ["none", "order", "copies", "labels", "spaces"])
def test_a_file_that_says_the_same_changes_and_writes_nothing(held: World, tmp_path: Path, change: str) -> None:
    before = everything(held.engine, but=TRACES)
    path = write(tmp_path, people(4))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    if change == "order":
        lines[1:] = reversed(lines[1:])
    elif change == "copies":
        lines += lines[1:]
    elif change == "labels":
        lines = [line.replace("|60||C||", "|60|INFIRMIER|C|CIVIL|") for line in lines]
    elif change == "spaces":
        lines = [line.replace("|60|", "| 60 |") for line in lines]
    path.write_text("".join(lines), "utf-8")
    report = load(held, path)
    assert (report.state, report.outcome, report.published) == ("published", "apply", {})
    assert report.differences["unchanged"] == 4
    assert everything(held.engine, but=TRACES) == before


def test_days_of_a_synthetic_registry_are_followed_to_the_person(world: World, tmp_path: Path) -> None:
    write_extract(tmp_path / "0", people=300)
    load(world, tmp_path / "0")
    world.clock.advance(86_400)
    later = write_extract(tmp_path / "1", people=300, variant=Variant(day=3, daily=10, zipped=True))
    report = load(world, *later.paths, lenient=True)
    counts = {"created": len(later.joined), "changed": len(later.moved), "absent": len(later.left)}
    assert {name: report.published[name] for name in counts} == counts
    assert min(counts.values()) > 0
    assert report.differences["unchanged"] == later.people - len(later.joined) - len(later.moved)
    with reading(world.engine) as db:
        gone = db.scalars(select(Practitioner.national_id).where(Practitioner.absent_since.is_not(None))).all()
    assert sorted(gone) == sorted(later.left)
    assert load(world, *later.paths).published == {}


def test_a_new_address_is_the_same_activity(held: World, tmp_path: Path) -> None:
    before = activites(held)[0]
    rows = [row(0), row(1, legal_name="HOPITAL DE LA LOUCHE", phone="0199000001"), row(2), row(3)]
    assert again(held, tmp_path, rows) == {"changed": 1}
    after = activites(held)[0]
    assert after["id"] == before["id"]
    assert after["structure"]["legal_name"] == "HOPITAL DE LA LOUCHE"
    assert (notes(held), alive(held, 1, 60)) == ([], (True, True))


def test_a_person_who_moved_ends_one_activity_and_opens_another(held: World, tmp_path: Path) -> None:
    [old] = activites(held)
    rows = [row(0), row(1, technical_id="F009999999"), row(2), row(3)]
    assert again(held, tmp_path, rows) == {"changed": 1, "opened": 1, "ended": 1}
    [new] = activites(held)
    assert activity_rows(held, 1) == [(old["id"], True), (new["id"], False)]
    facts = {"activite": old["id"], "by": "load", "load": last_load(held).id}
    assert notes(held) == [("activite:ended", f"practitioner:{person(held).id}", facts)]
    assert alive(held, 1, 60) == (True, True)
    assert person(held, 1).changed_at == held.now > person(held, 2).changed_at


def test_what_was_known_keeps_its_place_before_what_is_new(held: World, tmp_path: Path) -> None:
    first = activites(held)[0]["id"]
    rows = [row(0), row(1, profession="50"), row(1, mode="L"), row(1), row(2), row(3)]
    again(held, tmp_path, rows)
    assert [one["profession"] for one in dossier(held)["exercices"]] == ["60", "50"]
    assert activites(held)[0]["id"] == first


def test_equal_activities_are_told_apart_and_each_ends_alone(held: World, tmp_path: Path) -> None:
    twins = [row(1), row(1, phone="0199000001")]
    assert again(held, tmp_path / "a", [row(0), *twins, row(2), row(3)]) == {"changed": 1, "opened": 1}
    one, two = (activite["id"] for activite in activites(held))
    assert again(held, tmp_path / "b", people(4)) == {"changed": 1, "ended": 1}
    assert activity_rows(held, 1) == [(one, False), (two, True)]


def test_somebody_who_vanished_is_absent_from_then_on_and_keeps_no_address(held: World, tmp_path: Path) -> None:
    assert again(held, tmp_path, people(3)) == {"absent": 1}
    gone = person(held, 3)
    assert (gone.absent_since, gone.present_since) == (held.now, held.now - timedelta(hours=1))
    assert activites(held, 3) == []
    assert "HAMAC" not in gone.dossier
    assert [ended for _, ended in activity_rows(held, 3)] == [True]
    facts = {"kind": "absent", "load": last_load(held).id}
    assert notes(held) == [("practitioner:status-changed", f"practitioner:{gone.id}", facts)]
    assert alive(held, 3, 60) == (False, False)
    assert alive(held, 2, 60) == (True, True)
    assert again(held, tmp_path, people(3)) == {}


def test_somebody_who_comes_back_may_sign_in_but_nothing_old_revives(held: World, tmp_path: Path) -> None:
    old = activity_rows(held, 3)
    again(held, tmp_path / "a", people(3))
    held.clock.advance(60)
    assert again(held, tmp_path / "b", people(4)) == {"returned": 1, "opened": 1}
    [told] = [facts for topic, _, facts in notes(held) if facts.get("kind") == "present"]
    assert told["load"] == last_load(held).id
    assert alive(held, 3, 120) == (True, False)
    assert alive(held, 3, 0) == (True, True)
    [new] = activites(held, 3)
    assert activity_rows(held, 3) == [(old[0][0], True), (new["id"], False)]


@pytest.mark.parametrize("facts", [{"protected": True}, {"origin": "local"}])
def test_the_silence_of_a_file_says_nothing_of_protected_and_local_people(
    held: World, tmp_path: Path, facts: dict[str, Any]
) -> None:
    with writing(held.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(3)).values(**facts))
    before = activites(held, 3)
    assert again(held, tmp_path, people(3), lenient=False) == {}
    assert (activites(held, 3), alive(held, 3, 60)) == (before, (True, True))


def test_a_file_never_rewrites_people_whom_staff_created(held: World, tmp_path: Path) -> None:
    with writing(held.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(3)).values(origin="local"))
    report = load(held, write(tmp_path, [*people(3), row(3, given_name="ZOE")]))
    assert (report.differences["local"], report.published) == (1, {})
    assert person(held, 3).given_name == "ROSE"


def test_a_load_never_touches_contacts_nor_protection(held: World, tmp_path: Path) -> None:
    with writing(held.engine) as db:
        own = {"contact_email": "rose@courriel.example", "contact_phone": "0639980001", "protected": True}
        db.execute(update(Practitioner).where(Practitioner.national_id == national(1)).values(**own))
    again(held, tmp_path, [row(0), row(1, civility="MLLE"), row(2), row(3)])
    found = person(held)
    assert (found.civility, found.contact_email, found.contact_phone) == ("MLLE", own["contact_email"], "0639980001")
    assert found.protected


def test_somebody_protected_while_the_load_ran_does_not_vanish(held: World, tmp_path: Path) -> None:
    def protect(stage: str, done: int, total: int, _rows: int) -> None:
        if (stage, done) == ("compare", total):
            with writing(held.engine) as db:
                db.execute(update(Practitioner).values(protected=True))

    report = loads.run(guarded(held, **LENIENT), [write(tmp_path, people(3))], progress=protect)
    assert (report.differences["absent"], report.published) == (1, {})
    assert alive(held, 3, 60) == (True, True)
    assert activites(held, 3)


def test_know_how_is_the_same_whichever_file_tells_it(world: World, tmp_path: Path) -> None:
    said = {"profession": "10", "sf_kind": "S", "sf_code": "SM26"}
    elsewhere = [row(1, **said | {"sf_code": "SM54"}), row(1, **said | {"profession": "60"})]
    diploma = row(1, diploma_type="DE", diploma="DE05")
    for part, rows in ((Part.ACTIVITY, [row(1, **said)]), (Part.KNOW_HOW, elsewhere), (Part.DIPLOMA, [diploma])):
        write(tmp_path / "a", rows, part=part)
    assert load(world, tmp_path / "a").rejected == 0
    [exercice] = dossier(world)["exercices"]
    assert exercice["savoir_faire"] == [["S", "SM26"], ["S", "SM54"]]
    bare = row(1, profession="10")
    both = [row(1, **said), row(1, **said | {"sf_code": "SM54"})]
    for name, rows in {"b": [bare], "c": both}.items():
        write(tmp_path / name, rows)
        write(tmp_path / name, both, part=Part.KNOW_HOW)
        assert load(world, tmp_path / name).published == {}
