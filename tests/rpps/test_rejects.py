"""Rejected lines are kept with their load and can be worked with: where, why, what stood there, whose."""

import csv
import io
from pathlib import Path

import pytest

from pro_sante_connect.core.database import reading
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import rejects
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.extract import Reason, Reject
from pro_sante_connect.rpps.reading import Tally
from pro_sante_connect.rpps.spool import Spool
from tests.rpps.files import load, national, people, row, write
from tests.world import World

INTRUDER = "=HYPERLINK(A1)"


def test_each_line_says_what_stood_in_which_column_and_whose_it_is(world: World, tmp_path: Path) -> None:
    bad = [row(20, mode="?"), row(1, family_name=INTRUDER), row(21, national_id=national(22))]
    path = write(tmp_path, [*people(3), *bad])
    found = load(world, path, lenient=True).load
    assert found is not None
    with reading(world.engine) as db:
        told = {one["reason"]: one for one in rejects.of(db, found)}
        assert rejects.count(db, found) == 3
        assert len(list(rejects.of(db, found, limit=2))) == 2
    assert [told[reason]["line"] for reason in ("unknown_code", "name_conflict", "id_mismatch")] == [5, 6, 7]
    lines = path.read_bytes().splitlines(keepends=True)
    assert told["id_mismatch"]["offset"] == len(b"".join(lines[:6]))
    values = {reason: (one["column"], one["value"], one["national_id"]) for reason, one in told.items()}
    assert values == {
        "unknown_code": ("Code mode exercice", "?", national(20)),
        "name_conflict": ("Nom d'exercice", INTRUDER, national(1)),
        "id_mismatch": ("Identification nationale PP", national(22), ""),
    }


def test_no_cell_of_the_table_is_a_formula(world: World, tmp_path: Path) -> None:
    bad = [row(index, mode=code) for index, code in enumerate(("=1+1", "+1", "-1", "@A1", '"', "a;b", "é"), 20)]
    found = load(world, write(tmp_path, [*people(1), *bad]), lenient=True, rejects=tmp_path / "rejects.csv").load
    assert found is not None
    file = io.StringIO()
    with reading(world.engine) as db:
        rejects.write_csv(rejects.of(db, found), file)
    assert file.getvalue() == (tmp_path / "rejects.csv").read_text("utf-8")
    told = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [one["value"] for one in told] == ["'=1+1", "'+1", "'-1", "'@A1", '"', "a;b", "é"]


def test_a_load_that_is_not_there_has_no_rejects(world: World) -> None:
    with reading(world.engine) as db, pytest.raises(Refusal, match="load-unknown"):
        rejects.of(db, 1)


def test_different_unknown_codes_are_counted_up_to_a_thousand() -> None:
    tally = Tally()
    with Spool("") as spool:
        for number in [*range(1500), 7]:
            tally.reject(spool, Part.ACTIVITY, 1, 0, Reject(Reason.UNKNOWN_CODE, "Code rôle", "", str(number)))
    assert (tally.rejected, len(tally.unknown_codes), tally.unknown_codes["Code rôle: 7"]) == (1501, 1000, 2)
