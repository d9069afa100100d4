"""Lines of the extracts: every bad one is found where it stands and nothing else is lost."""

import csv
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.core.database import reading
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.damage import KINDS, REJECTED, Damage, spread
from pro_sante_connect.demo.extract import Variant, write_extract
from pro_sante_connect.rpps import extract, rejects
from pro_sante_connect.rpps.columns import ACTIVITY, ORDER, Part, column_of
from pro_sante_connect.rpps.extract import MAX_LINE, MAX_VALUE, Layout, Reader, Reason, Reject, layout
from pro_sante_connect.rpps.lines import Lines
from tests.rpps.files import Facts, Shape, lines_of, load, row
from tests.world import World

PEOPLE = 60


def layout_of(names: Sequence[str], *first: str, part: Part = Part.ACTIVITY) -> Layout:
    return layout(part, "|".join(names).encode(), [line.encode() for line in first])


def reader() -> Reader:
    header, line = lines_of([row()], Shape())
    return Reader(layout(Part.ACTIVITY, header.encode(), [line.encode()]))


def line_of(one: Facts) -> bytes:
    return lines_of([one], Shape())[1].encode()


def reason_of(line: bytes) -> tuple[Reason, str]:
    found = reader().read(line)
    assert isinstance(found, Reject)
    return found.reason, found.column


def value(found: object, name: str) -> str:
    assert isinstance(found, tuple)
    return str(found[ORDER[Part.ACTIVITY].index(name)])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_damage_is_told_where_it_stands_and_nothing_else_is_lost(
    world: World, tmp_path: Path, kind: str
) -> None:
    variant = Variant(damage=(Damage(kind, 10), Damage(kind, 25)), parts=(Part.ACTIVITY,))
    manifest = write_extract(tmp_path / "extract", people=PEOPLE, variant=variant)
    report = load(world, *manifest.paths, dry_run=True, rejects=tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    expected = [one for one in manifest.injuries if one.reason not in {"repaired", "accepted"}]
    # Names are compared once everybody was read: those rejects come last.
    told.sort(key=lambda reject: int(reject["line"]))
    columns = ("file", "line", "offset", "reason", "column")
    assert [[reject[name] for name in columns] for reject in told] == [
        [one.file, str(one.line), str(one.offset), one.reason, one.column] for one in expected
    ]
    assert bool(expected) == (kind in REJECTED)
    assert report.people == report.differences["created"] == manifest.people
    assert (report.rows, report.rejected) == (manifest.rows["activity"], len(expected))
    written_twice = sum(one.kind == "copy" for one in manifest.injuries)
    assert report.differences.get("duplicates", 0) == manifest.duplicates + written_twice


def test_all_kinds_at_once_in_a_published_load_are_kept_in_the_table(world: World, tmp_path: Path) -> None:
    variant = Variant(damage=spread(KINDS, count=2 * len(KINDS), rows=PEOPLE))
    manifest = write_extract(tmp_path, people=PEOPLE, variant=variant)
    report = load(world, *manifest.paths, lenient=True)
    expected = sorted(one.line for one in manifest.injuries if one.reason not in {"repaired", "accepted"})
    assert report.load is not None
    with reading(world.engine) as db:
        kept = list(rejects.of(db, report.load))
    assert sorted(one["line"] for one in kept) == expected
    assert all(one["value"] for one in kept if one["reason"] in {"unknown_code", "id_mismatch", "check_digit"})
    assert {one["value"] for one in kept if one["reason"] == "unknown_code"} == {"7", "999", "Z", "SA99", "SM999"}
    assert report.published["created"] == report.people == manifest.people
    assert {"carriage-return", "byte-order-mark"} <= report.repairs.keys()


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_line_is_a_row_or_a_reject(raw: bytes) -> None:
    assert isinstance(reader().read(raw), Reject)


@given(st.data())
def test_a_good_line_with_one_byte_changed_never_fails(data: st.DataObject) -> None:
    line = bytearray(line_of(row()))
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    found = reader().read(bytes(line))
    assert isinstance(found, Reject) or value(found, "national_id") == row()["national_id"]


@given(st.text(st.characters(exclude_characters="|", exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_a_name_comes_out_in_its_normal_form(name: str) -> None:
    found = reader().read(line_of(row(family_name=name)))
    assert value(found, "family_name") == unicodedata.normalize("NFC", name)


def test_spaces_and_tabs_around_values_are_taken_off_and_counted() -> None:
    one = reader()
    found = one.read(line_of(row(legal_name=" HOPITAL\tDU HAMAC ", phone="01 99 00 00 01")))
    assert value(found, "legal_name") == "HOPITAL DU HAMAC"
    assert value(found, "phone") == "01 99 00 00 01"
    assert one.repairs == {"spaces": 1, "tab": 1}


def test_quotes_are_letters_like_others() -> None:
    assert value(reader().read(line_of(row(legal_name='"HOPITAL" \\ DU'))), "legal_name") == '"HOPITAL" \\ DU'


@pytest.mark.parametrize("letter", ["\x00", "\x0b", "\x1b", "\x85", "\u2028", "\u2029", "\u200f", "\u2066"])
def test_control_and_direction_characters_are_refused(letter: str) -> None:
    assert reason_of(line_of(row(legal_name=f"HO{letter}PITAL"))) == (Reason.CONTROL_CHARACTER, "")


def test_values_and_lines_have_a_longest_length() -> None:
    fitting = row(legal_name="é" * (MAX_VALUE // 2))
    assert value(reader().read(line_of(fitting)), "legal_name") == fitting["legal_name"]
    assert reason_of(line_of(row(legal_name="é" * (MAX_VALUE // 2) + "e"))) == (Reason.TOO_LONG, "")
    assert reason_of(b"x" * (MAX_LINE + 1)) == (Reason.TOO_LONG, "")


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("id_type", ""), ("profession", "999"), ("category", "Z"), ("mode", "?"), ("sector", "SA99"), ("sf_kind", "?"),
    ],
)  # fmt: skip
def test_an_unknown_code_that_gives_rights_refuses_the_line(field: str, code: str) -> None:
    found = reader().read(line_of(row(**{field: code})))
    assert isinstance(found, Reject)
    assert (found.reason, found.column, found.value) == (Reason.UNKNOWN_CODE, column_of(field), code)


def test_an_unknown_code_that_only_describes_is_kept_and_counted() -> None:
    one = reader()
    for _ in range(2):
        assert value(one.read(line_of(row(role="FON-999"))), "role") == "FON-999"
    assert one.anomalies == {"unknown role": 2}


@pytest.mark.parametrize("identifier", ["99800000010", "9982042405", "998204240510", "9982042405A", "998٠٠٠٠٠٠١٩"])
def test_a_national_number_needs_eleven_digits_and_a_good_last_one(identifier: str) -> None:
    found, _ = reason_of(line_of(row(identifier=identifier, national_id="8" + identifier)))
    assert found in {Reason.CHECK_DIGIT, Reason.ID_MISMATCH}


def test_an_identifier_of_another_type_has_no_check_digit() -> None:
    one = row(id_type="3", identifier="000000001/12", national_id="3000000001/12")
    assert value(reader().read(line_of(one)), "national_id") == "3000000001/12"


@pytest.mark.parametrize("facts", [{"national_id": ""}, {"identifier": "", "national_id": "8"}, {"id_type": "5"}])
def test_the_three_columns_of_the_identifier_must_agree(facts: Facts) -> None:
    assert reason_of(line_of(row(**facts)))[0] is Reason.ID_MISMATCH


def test_a_damaged_line_names_its_person_only_when_its_columns_agree() -> None:
    def whose(line: bytes) -> str:
        found = reader().read(line)
        assert isinstance(found, Reject)
        return found.national_id

    assert whose(line_of(row()) + b"more") == row()["national_id"]
    assert whose(line_of(row(national_id="812")) + b"|") == ""
    assert whose(b"8|1") == ""


@pytest.mark.parametrize("columns", [48, 52, 56])  # appended over time: each is the beginning of the next
@pytest.mark.parametrize("trailing", ["|", ""])
def test_each_generation_of_columns_is_read_with_or_without_a_last_stroke(columns: int, trailing: str) -> None:
    shape = Shape(columns=columns, trailing=trailing)
    one = row(role="FON-01", kind="GENR01", section="A")
    header, line = lines_of([one], shape)
    places = layout(Part.ACTIVITY, header.encode(), [line.encode()])
    found = Reader(places).read(line.encode())
    hidden = {48: {"sector", "section", "role", "kind"}, 52: {"role", "kind"}, 56: set()}[columns]
    assert places.unknown == hidden
    assert value(found, "kind") == ("" if "kind" in hidden else "GENR01")
    assert value(found, "authority") == "ONI/ONI/ARS"


def test_a_header_without_the_stroke_that_its_lines_have_is_understood() -> None:
    line = lines_of([row()], Shape())[1]
    assert layout_of(ACTIVITY, line, line + "\r").trailing
    assert not layout_of(ACTIVITY, line, line[:-1]).trailing
    assert not layout_of(ACTIVITY).trailing


def test_columns_are_found_by_name_whatever_their_order_case_and_accents() -> None:
    names = [name.upper().replace("É", "E").replace("'", "’") for name in reversed(ACTIVITY)]
    line = "|".join(reversed(lines_of([row()], Shape(trailing=""))[1].split("|")))
    found = Reader(layout_of(names, line)).read(line.encode())
    assert found == reader().read(line_of(row()))


def test_former_names_of_columns_are_known() -> None:
    names = ["Code fonction" if name == "Code rôle" else name for name in ACTIVITY]
    assert "role" not in layout_of(names).unknown


def test_a_new_column_is_told_and_a_new_label_is_not() -> None:
    places = layout_of([*ACTIVITY, "Couleur", "Libellé couleur"])
    assert places.warnings == ("unknown column: Couleur",)


@pytest.mark.parametrize("field", ["national_id", "profession", "technical_id", "sector", "sf_code"])
def test_a_file_without_a_column_that_matters_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(Refusal) as refused:
        layout_of([name for name in ACTIVITY if name != column_of(field)])
    assert (refused.value.code, refused.value.facts["missing"]) == ("extract-header", column_of(field))


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        layout_of([*ACTIVITY, "Code role"])
    assert refused.value.facts["found"] == "Code role"


def test_a_header_that_is_no_text_is_refused() -> None:
    with pytest.raises(Refusal, match="extract-header"):
        layout(Part.ACTIVITY, b"\xff\xfe|", [])


@given(st.lists(st.binary(max_size=40).filter(lambda raw: b"\n" not in raw), max_size=20), st.booleans())
def test_lines_come_out_as_they_went_in_with_their_places(raws: list[bytes], ended: bool) -> None:
    data = b"\n".join(raws) + (b"\n" if ended else b"")
    found = list(Lines(BytesIO(data)))
    assert b"".join(line.raw + (b"\n" if line.ended else b"") for line in found) == data
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    assert all(data[line.offset :].startswith(line.raw) for line in found)


def test_an_endless_line_is_cut_and_the_next_one_stands_at_its_place() -> None:
    data = b"a\n" + b"x" * (5 << 20) + b"\nb"
    _, endless, last = Lines(BytesIO(data))
    assert (len(endless.raw), endless.offset) == (MAX_LINE + 1, 2)
    assert (last.raw, last.number, last.offset, last.ended) == (b"b", 3, len(data) - 1, False)


def test_a_letter_and_its_accent_apart_become_one_and_are_counted() -> None:
    one = reader()
    assert value(one.read(line_of(row(given_name="Zoe\u0301"))), "given_name") == "Zoé"
    assert one.repairs == {"normal-form": 1}


def test_codes_are_judged_the_same_once_the_memory_of_the_reader_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_CACHE", 1)
    one = reader()
    for mode in ("S", "L", "L", "?"):
        found = one.read(line_of(row(mode=mode, role=f"FON-99{mode}")))
        assert isinstance(found, Reject) == (mode == "?")
    assert one.anomalies == {"unknown role": 3}
