"""Diplomas and authorisations are kept with the person, whichever files a load brings."""

from pathlib import Path
from typing import Any

import pytest

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.columns import Part
from tests.rpps.files import Facts, dossier, load, people, row, write
from tests.world import World

STATE = {"diploma_type": "DE", "diploma": "DE09"}
FULL = {"authorisation_type": "AM01"}
FIELD = {"authorisation_type": "AM14", "authorisation_discipline": "Q99"}


def bring(world: World, folder: Path, rows: list[Facts], told: list[Facts] | None) -> dict[str, int]:
    """What a load writes; `told` are the lines of the third file, None when it is not there."""
    write(folder, rows)
    if told is not None:
        write(folder, told, part=Part.DIPLOMA)
    report = load(world, folder, lenient=True)
    assert (report.state, report.rejected) == ("published", 0)
    return {what: count for what, count in report.published.items() if count}


@pytest.fixture
def qualified(world: World, tmp_path: Path) -> World:
    """Four nurses; the second has a diploma and two authorisations, told in two lines."""
    bring(world, tmp_path / "first", people(4), [row(1, **STATE | FULL), row(1, **FIELD)])
    world.clock.advance(3600)
    return world


def held(world: World, index: int = 1) -> tuple[Any, Any]:
    facts = dossier(world, index)
    return facts["diplomas"], facts["authorisations"]


ALL = ([["DE", "DE09"]], [["AM01", ""], ["AM14", "Q99"]])


def test_they_are_kept_with_the_person(qualified: World) -> None:
    assert held(qualified) == ALL
    assert held(qualified, 2) == ([], [])


def test_the_same_told_otherwise_changes_nobody(qualified: World, tmp_path: Path) -> None:
    otherwise = [row(1, **FIELD), row(1, **STATE), row(1, **FULL), row(1, **STATE)]
    assert bring(qualified, tmp_path / "b", people(4), otherwise) == {}
    assert held(qualified) == ALL


def test_one_more_or_one_less_is_a_change_of_the_person_alone(qualified: World, tmp_path: Path) -> None:
    assert bring(qualified, tmp_path / "b", people(4), [row(1, **STATE | FULL), row(2, **STATE)]) == {"changed": 2}
    assert (held(qualified), held(qualified, 2)) == (([["DE", "DE09"]], [["AM01", ""]]), ([["DE", "DE09"]], []))


def test_without_their_file_they_stay_as_they_were(qualified: World, tmp_path: Path) -> None:
    assert bring(qualified, tmp_path / "b", people(4), None) == {}
    moved = [row(0), row(1, legal_name="AILLEURS"), row(2), row(3)]
    assert bring(qualified, tmp_path / "c", moved, None) == {"changed": 1}
    assert held(qualified) == ALL
    assert bring(qualified, tmp_path / "d", moved, [row(1, **STATE | FULL), row(1, **FIELD)]) == {}


def test_who_comes_back_without_their_file_has_them_still(qualified: World, tmp_path: Path) -> None:
    bring(qualified, tmp_path / "b", [row(0), row(2), row(3)], None)
    assert bring(qualified, tmp_path / "c", people(4), None)["returned"] == 1
    assert held(qualified) == ALL
    assert bring(qualified, tmp_path / "d", people(4), [row(1, **STATE | FULL), row(1, **FIELD)]) == {}


def test_an_older_header_of_activities_blanks_none_of_them(qualified: World, tmp_path: Path) -> None:
    write(tmp_path / "b", [row(0), row(1, legal_name="AILLEURS"), row(2), row(3)], columns=48)
    load(qualified, tmp_path / "b", lenient=True)
    assert held(qualified) == ALL


def test_a_header_that_cannot_tell_them_is_refused(qualified: World, tmp_path: Path) -> None:
    write(tmp_path, people(4))
    path = write(tmp_path, [], part=Part.DIPLOMA)
    path.write_text(path.read_text("utf-8").replace("Code type autorisation", "Code autre"), "utf-8")
    with pytest.raises(Refusal, match="extract-header"):
        load(qualified, tmp_path)
    assert held(qualified) == ALL
