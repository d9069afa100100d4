"""Lines that stood in an earlier load are not read again, and nobody can tell by the result."""

from pathlib import Path
from typing import Any

import pytest

from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import nomenclature, unchanged
from pro_sante_connect.rpps.columns import ACTIVITY, Part
from pro_sante_connect.rpps.extract import Layout, layout
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.rpps.report import Report
from tests.rpps.files import Facts, activites, load, people, person, row, write
from tests.world import World


def _told(report: Report) -> dict[str, Any]:
    """What a report says of the files, whatever the registry held."""
    return {name: getattr(report, name) for name in ("rows", "people", "rejects", "repairs", "anomalies", "warnings")}


def _odd() -> list[Facts]:
    """A copy, spaces, an unknown role, a line refused, and one in order."""
    return [row(1), row(1), row(2, street=" RUE "), row(3, role="X"), row(4), row(4, mode="X"), row(5)]


def test_a_second_load_tells_the_same_of_the_same_file(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, _odd())
    know_how = write(tmp_path, [row(5, sf_kind="S", sf_code="SM26"), row(9)], part=Part.KNOW_HOW)
    first = load(world, path, know_how, lenient=True)
    for _ in range(2):
        again = load(world, path, know_how, lenient=True)
        assert _told(again) == _told(first)
        assert again.differences == {"unchanged": 5, "duplicates": 1}
    assert first.rejects == {"unknown_code": 1, "orphan": 1}


def test_only_lines_of_which_nothing_is_told_are_remembered(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path, _odd()), lenient=True)
    assert [bool(person(world, index).lines_digest) for index in range(1, 6)] == [False, False, False, False, True]


def test_what_is_remembered_is_not_read(world: World, tmp_path: Path) -> None:
    """Told by a registry that says otherwise: who believes the lines does not look at what is held."""
    path = write(tmp_path, people(2))
    load(world, path)
    with writing(world.engine) as db:
        for one in db.query(Practitioner):
            one.digest = "of another version"
    assert load(world, path).differences == {"unchanged": 2}


@pytest.mark.parametrize("change", [{"phone": "0102030405"}, {"legal_name": "AUTRE"}, {"street": "RUE DU HAMAC"}])
def test_a_byte_of_one_line_is_seen(world: World, tmp_path: Path, change: Facts) -> None:
    load(world, write(tmp_path / "a", people(3)))
    report = load(world, write(tmp_path / "b", [*people(2), row(2, **change)]), lenient=True)
    assert report.differences["unchanged"] == 2
    assert report.published["changed"] == 1
    assert load(world, write(tmp_path / "c", [*people(2), row(2, **change)])).differences == {"unchanged": 3}


def test_a_line_more_or_less_is_seen(world: World, tmp_path: Path) -> None:
    two = [row(1), row(1, technical_id="F000000077")]
    load(world, write(tmp_path / "a", two))
    assert load(world, write(tmp_path / "b", two[:1]), lenient=True).published["ended"] == 1
    assert load(world, write(tmp_path / "c", two), lenient=True).published["opened"] == 1
    assert len(activites(world)) == 2


def test_whoever_left_comes_back_with_the_same_lines(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path / "a", people(2)))
    load(world, write(tmp_path / "b", people(1)), lenient=True)
    assert person(world).lines_digest == ""
    assert load(world, write(tmp_path / "c", people(2)), lenient=True).published["returned"] == 1


def test_labels_are_read_once_and_then_remembered(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, people(1))
    load(world, path)
    before = person(world, 0).lines_digest
    renamed = write(tmp_path / "b", people(1))
    renamed.write_text(renamed.read_text("utf-8").replace("|60||", "|60|Infirmière|", 1), "utf-8")
    assert load(world, renamed).published == {}
    after = person(world, 0).lines_digest
    assert after not in {"", before}
    assert load(world, renamed).published == {}
    assert person(world, 0).lines_digest == after


def test_the_same_bytes_in_other_columns_say_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(names: tuple[str, ...]) -> Layout:
        return layout(Part.ACTIVITY, "|".join(names).encode(), [])

    swapped = (*ACTIVITY[:7], ACTIVITY[8], ACTIVITY[7], *ACTIVITY[9:])
    contexts = {unchanged.context([of(names)]) for names in (ACTIVITY, swapped, ACTIVITY[:52])}
    contexts.add(unchanged.context([]))
    monkeypatch.setattr(unchanged, "RULES", 0)
    contexts.add(unchanged.context([of(ACTIVITY)]))
    monkeypatch.undo()
    monkeypatch.setattr(nomenclature, "fingerprint", lambda: "another table")
    contexts.add(unchanged.context([of(ACTIVITY)]))
    assert len(contexts) == 6
    assert len({unchanged.digest([b"a1\n", b"a2\n"], one) for one in contexts}) == 6


def test_neither_order_nor_place_in_the_file_counts() -> None:
    assert unchanged.digest([b"a1\n", b"d2\n"], b"c") == unchanged.digest([b"d2\n", b"a1\n"], b"c")
    assert unchanged.digest([b"a1\n", b"a1\n"], b"c") != unchanged.digest([b"a1\n"], b"c")
    assert unchanged.digest([b"a1\n"], b"c") != unchanged.digest([b"k1\n"], b"c")
