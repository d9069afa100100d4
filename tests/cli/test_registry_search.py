"""`psc registry search`: what staff type, whom they are shown and why, and what the journal keeps."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import call, told
from tests.rpps.files import national, row, write

ROWS = [
    row(1, family_name="LAMPADAIRE", given_name="HELENE", cedex="00120 VALFEUTRE", postcode="00120"),
    row(2, family_name="LAMPADAIRE", given_name="ODETTE", profession="10"),
]


@pytest.fixture
def registered(house: Path) -> Path:
    assert call("registry", "import", str(write(house / "extract", ROWS, stamp="202501010911"))).exit_code == 0
    return house


def journalled() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = told("audit", "trail", "registry")
    return entries


def test_people_are_shown_in_a_table_with_the_reason(registered: Path) -> None:
    lines = call("registry", "search", "lampadare helene").stdout.splitlines()
    assert lines[0].split() == ["ID", "NAME", "STATUS", "PROFESSIONS", "PLACE", "TOWN", "WHY"]
    assert [part.strip() for part in lines[1].split("  ") if part] == [
        national(1), "LAMPADAIRE HELENE", "registered", "Infirmier", "HOPITAL DU HAMAC", "00120 VALFEUTRE",
        "name-slip LAMPADAIRE, name HELENE",
    ]  # fmt: skip
    assert len(lines) == 2


def test_programs_get_the_same_as_values(registered: Path) -> None:
    answer = told("registry", "search", "lampadaire", "--limit", "1")
    assert answer["more"] is True
    [hit] = answer["hits"]
    assert (hit["national_id"], hit["status"], hit["protected"]) == (national(1), "registered", False)
    assert hit["why"] == [{"kind": "name", "word": "LAMPADAIRE", "matched": "LAMPADAIRE"}]


@pytest.mark.parametrize(
    ("options", "people"),
    [
        (("--profession", "10"), [2]),
        (("--department", "00"), [1]),
        (("--town", "valfeutre"), [1]),
        (("--structure", "hamac"), [1, 2]),
        (("--status", "registered"), [1, 2]),
        (("--status", "retired"), []),
    ],
)
def test_options_narrow_the_search(registered: Path, options: tuple[str, ...], people: list[int]) -> None:
    hits = told("registry", "search", "lampadaire", *options)["hits"]
    assert [hit["national_id"] for hit in hits] == [national(one) for one in people]


def test_nobody_and_others_are_said(registered: Path) -> None:
    assert call("registry", "search", "xqzxqz").stdout == "Nobody.\n"
    said = call("registry", "search", "lampadaire", "--limit", "1").stdout
    assert said.endswith("There are others: type more, narrow it, or raise --limit.\n")


def test_each_look_is_journalled_without_what_was_typed(registered: Path) -> None:
    [hit] = told("registry", "search", "lampadaire helene", "--actor", "agathe")["hits"]
    call("registry", "search", "xqzxqz")
    assert [(one["event"], one["facts"]) for one in journalled()] == [
        ("registry:searched", {"found": [], "more": False}),
        ("registry:searched", {"found": [hit["id"]], "more": False}),
    ]
    assert [one["actor"] for one in journalled()][1] == "operator:agathe"
