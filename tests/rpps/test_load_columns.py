"""Files with fewer columns, odd bytes or orphans: what a file cannot say is not taken from anybody."""

from pathlib import Path
from typing import Any

import pytest

from pro_sante_connect.core.database import reading
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.extract import Variant, write_extract
from pro_sante_connect.rpps import loads, registry
from pro_sante_connect.rpps.columns import ACTIVITY, Part, column_of
from tests.rpps.files import TRACES, activites, dossier, everything, load, national, people, person, row, write
from tests.world import World

FULL = {"role": "FON-01", "kind": "GENR01", "section": "A", "civility": "MME", "exercice_civility": "DR"}


def without(path: Path, *fields: str) -> Path:
    """The file less some columns."""
    dropped = {ACTIVITY.index(column_of(field)) for field in fields}
    lines = [line.split("|") for line in path.read_text("utf-8").splitlines()]
    kept = ["|".join(value for place, value in enumerate(line) if place not in dropped) for line in lines]
    path.write_text("".join(line + "\n" for line in kept), "utf-8")
    return path


@pytest.mark.parametrize("columns", [48, 52])
def test_an_older_generation_of_columns_changes_nobody(world: World, tmp_path: Path, columns: int) -> None:
    load(world, write_extract(tmp_path / "now", people=200).paths[0])
    before = everything(world.engine, but=TRACES)
    older = write_extract(tmp_path / "older", people=200, variant=Variant(columns=columns))
    report = load(world, older.paths[0])
    assert (report.state, report.published, report.differences["unchanged"]) == ("published", {}, older.people)
    assert everything(world.engine, but=TRACES) == before


def test_activities_that_differ_in_missing_columns_all_stay(world: World, tmp_path: Path) -> None:
    twins = [row(1, kind="GENR01"), row(1, kind="GENR02")]
    load(world, write(tmp_path / "now", twins))
    assert load(world, write(tmp_path / "older", twins, columns=52)).published == {}
    assert load(world, write(tmp_path / "older", twins[:1], columns=52)).published == {}
    assert [one["kind"] for one in activites(world)] == ["GENR01", "GENR02"]


def test_a_change_in_an_older_file_keeps_what_the_file_cannot_say(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "now", [row(1, **FULL)]))
    [before] = activites(world)
    load(world, write(tmp_path / "older", [row(1, **FULL, legal_name="AILLEURS")], columns=48), lenient=True)
    [after] = activites(world)
    assert after == {**before, "structure": before["structure"] | {"legal_name": "AILLEURS"}}


def test_a_new_place_takes_only_what_belongs_to_the_person(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "now", [row(1, **FULL)]))
    moved = write(tmp_path / "older", [row(1, technical_id="F009999999"), row(1, profession="50")])
    load(world, without(moved, "civility", "exercice_civility", "role", "kind", "section"), lenient=True)
    found = dossier(world)
    assert (found["civility"], [one["civility"] for one in found["exercices"]]) == ("MME", ["DR", ""])
    assert [(one["role"], one["kind"]) for one in activites(world)] == [("", ""), ("", "")]


def test_a_new_place_in_a_file_with_the_titles_takes_them_from_it(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "now", [row(1, **FULL)]))
    moved = row(1, technical_id="F009999999", civility="MLLE", exercice_civility="PR")
    load(world, write(tmp_path / "older", [moved], columns=52), lenient=True)
    assert (dossier(world)["civility"], dossier(world)["exercices"][0]["civility"]) == ("MLLE", "PR")


def test_people_new_in_an_older_file_have_what_it_says(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "older", [row(1, **FULL)], columns=52))
    [one] = activites(world)
    assert (one["role"], one["kind"], one["section"]) == ("", "", "A")


def test_know_how_and_diplomas_of_nobody_are_orphans(world: World, tmp_path: Path) -> None:
    write(tmp_path, [row(1)])
    write(tmp_path, [row(2, sf_kind="S", sf_code="SM26")], part=Part.KNOW_HOW)
    write(tmp_path, [row(3, diploma_type="DE", diploma="DE05")], part=Part.DIPLOMA)
    report = load(world, tmp_path, lenient=True)
    assert (report.people, report.rejects) == (1, {"orphan": 2})


@pytest.mark.parametrize("code", ["SM26", "XX99"], ids=["whole", "damaged"])
def test_a_line_of_another_file_keeps_nobody_in_the_list(world: World, tmp_path: Path, code: str) -> None:
    load(world, write(tmp_path / "a", people(2)))
    write(tmp_path / "b", people(1))
    write(tmp_path / "b", [row(1, sf_kind="S", sf_code=code)], part=Part.KNOW_HOW)
    assert load(world, tmp_path / "b", lenient=True).published == {"absent": 1}
    assert person(world, 1).absent_since is not None


def test_a_lone_diploma_line_of_an_absent_person_brings_nobody_back(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "a", people(2)))
    load(world, write(tmp_path / "b", people(1)), lenient=True)
    write(tmp_path / "b", [row(1, diploma_type="DE", diploma="DE05")], part=Part.DIPLOMA)
    assert load(world, tmp_path / "b", lenient=True).published == {}
    assert person(world, 1).absent_since is not None


def test_the_same_letters_under_two_types_of_identifier_are_a_conflict(world: World, tmp_path: Path) -> None:
    whole = {"national_id": "3012/7", "family_name": "HAMAC"}
    rows = [row(1, **whole, id_type="3", identifier="012/7"), row(1, **whole, id_type="30", identifier="12/7")]
    report = load(world, write(tmp_path, rows), lenient=True)
    assert (report.people, report.rejects) == (1, {"name_conflict": 1})
    with reading(world.engine) as db:
        found = registry.find(db, "3012/7")
    assert found is not None
    assert (found.id_type, found.identifier) == ("3", "012/7")


def test_a_mark_at_the_head_of_the_file_is_passed_over(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, people(2))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    report = load(world, path)
    assert (report.people, report.repairs) == (2, {"byte-order-mark": 1, "carriage-return": 2})


@pytest.mark.parametrize("content", [b"", b"x" * 70_000, b"\xff\xfe\n"])
def test_a_file_without_a_header_is_refused_even_in_a_dry_run(world: World, tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, [])
    path.write_bytes(content)
    with pytest.raises(Refusal, match="extract-header"):
        load(world, path, dry_run=True)
    assert everything(world.engine)["loads"] == []


def test_an_unknown_column_is_told(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, [row()])
    header, line = path.read_text("utf-8").splitlines()
    path.write_text(f"{header}Couleur|\n{line}bleu|\n", "utf-8")
    assert load(world, path).warnings == ["unknown column: Couleur"]


def test_progress_goes_to_its_end_and_never_past_it(world: World, tmp_path: Path) -> None:
    seen: list[tuple[Any, ...]] = []
    damaged = [*people(3), row(3, mode="?")]
    load(world, write(tmp_path / "a", people(4)))
    load(world, write(tmp_path / "b", damaged), lenient=True)
    path = write(tmp_path / "c", people(4) + people(4) * 5000)
    loads.run(world.dep, [path], progress=lambda *step: seen.append(step))
    assert [stage for stage, *_ in seen] == ["read"] * 2 + ["compare"] * 64 + ["publish"]
    assert all(done <= total for _, done, total, _ in seen)
    assert [step[1] for step in seen if step[0] == "read"][-1] == path.stat().st_size


def test_nobody_bears_a_number_that_was_never_given(world: World) -> None:
    with reading(world.engine) as db:
        assert registry.find(db, national(1)) is None
        with pytest.raises(Refusal, match="practitioner-unknown"):
            registry.get(db, 1)
