"""`psc registry`: what an operator types, reads and gets back as exit code."""

import csv
import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result

from pro_sante_connect.rpps.anomalies import KINDS
from tests.cli.conftest import call, told
from tests.rpps.files import Facts, people, row, write

STAMP = "202501010911"


@pytest.fixture
def first(house: Path) -> Path:
    """A house whose registry holds 100 people."""
    result = call("registry", "import", str(extract(house / "first", people(100))))
    assert result.exit_code == 0
    return house


def extract(folder: Path, rows: Sequence[Facts], stamp: str = STAMP) -> Path:
    return write(folder, rows, stamp=stamp)


def import_(path: Path, *options: str) -> Result:
    return call("registry", "import", str(path), *options)


def present() -> int:
    return int(told("registry", "status")["present"])


def test_an_import_publishes_and_says_how_many(house: Path) -> None:
    result = import_(extract(house / "first", people(100)), "--actor", "agathe")
    assert result.exit_code == 0
    assert result.stdout.startswith("Published.\nData of 2025-01-01T09:11:00+00:00 (from name)\n")
    assert [line.split() for line in result.stdout.splitlines() if "created" in line] == [["created", "100"]] * 2
    assert "Comparing: 100 %" in result.stderr
    facts = told("registry", "status")
    assert (facts["present"], facts["absent"], facts["open_activities"]) == (100, 0, 100)
    [load] = facts["loads"]
    assert (load["state"], load["by"]) == ("published", "operator:agathe")
    assert sorted(load["what"].split(", ")) == ["created 100", "opened 100"]


def test_the_report_as_json_is_alone_on_stdout(first: Path) -> None:
    result = import_(extract(first / "next", people(101)), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    facts = told("registry", "import", str(extract(first / "same", people(101))))
    assert (facts["state"], facts["people"], facts["published"], facts["rejected"]) == ("published", 101, {}, 0)


def test_a_dry_run_writes_nothing_and_answers_as_the_load_would(first: Path) -> None:
    result = import_(extract(first / "next", people(101)), "--dry-run")
    assert result.exit_code == 0
    assert "Dry run: nothing was written. The load would be: published." in result.stdout
    assert import_(extract(first / "fewer", people(50)), "--dry-run").exit_code == 3
    assert (present(), len(told("registry", "status")["loads"])) == (100, 1)


def test_a_shrunken_file_is_held_until_accepted_with_a_reason(first: Path) -> None:
    fewer = extract(first / "fewer", people(50))
    held = import_(fewer)
    assert (held.exit_code, present()) == (3, 100)
    assert "Held: nothing was applied." in held.stdout
    assert "! 50 people out of 100 of type 8 vanished" in held.stdout
    assert "--accept 2 --reason TEXT" in held.stdout
    shown = next(line for line in held.stdout.splitlines() if line.startswith("For instance absent: "))
    assert len(shown.split(", ")) == 10
    assert import_(fewer, "--accept", "2", "--reason", "checked").exit_code == 0
    facts = told("registry", "status", "--limit", "2")
    assert (facts["present"], facts["absent"]) == (50, 50)
    assert [load["state"] for load in facts["loads"]] == ["published", "accepted"]


@pytest.mark.parametrize("wrong", [("--accept", "1"), ("--reason", "why"), ("--accept", "1", "--reason", " "),
                                   ("--accept", "1", "--reason", "why", "--dry-run")])  # fmt: skip
def test_accepting_takes_a_load_and_a_reason(first: Path, wrong: tuple[str, ...]) -> None:
    result = import_(extract(first / "next", people(101)), *wrong)
    assert (result.exit_code, result.stdout, present()) == (2, "", 100)


def test_what_was_not_held_cannot_be_accepted(first: Path) -> None:
    for load, code in (("1", "load-not-held"), ("7", "load-unknown")):
        refused = import_(extract(first / "fewer", people(50)), "--accept", load, "--reason", "why")
        assert (refused.exit_code, refused.stdout, present()) == (4, "", 100)
        assert refused.stderr.splitlines()[-1].endswith(f"({code})")


def test_a_file_that_is_not_the_one_announced_is_refused(first: Path) -> None:
    path = extract(first / "next", people(101))
    good, wrong = sha256(path.read_bytes()).hexdigest(), "0" * 64
    refused = import_(path.parent, "--sha256", f"{path.name}={wrong}")
    assert (refused.exit_code, present()) == (4, 100)
    assert refused.stderr.splitlines()[-1].endswith("(checksum-wrong)")
    assert told("registry", "status")["loads"][0]["what"] == "checksum-wrong"
    assert import_(path, "--sha256", f"other.txt={good}").exit_code == 4
    for misspelled in (good, f"{path.name}=12", "="):
        assert import_(path, "--sha256", misspelled).exit_code == 2
    assert import_(path, "--sha256", f"{path.name}={good.upper()}").exit_code == 0
    assert present() == 101


def test_older_files_are_refused_unless_forced(first: Path) -> None:
    older = extract(first / "older", people(100), stamp="202401010911")
    refused = import_(older)
    assert (refused.exit_code, "Refused: nothing was applied." in refused.stdout) == (4, True)
    assert "older than the last published load" in refused.stdout
    assert import_(older, "--force", "step back").exit_code == 0


def test_damaged_lines_are_listed_where_they_stand(first: Path) -> None:
    path = extract(first / "bad", [*people(3), row(200, mode="?"), *people(100)[3:]])
    result = import_(path, "--rejects", "rejects.csv")
    assert result.exit_code == 3
    assert "Each rejected line: psc registry rejects 2\n" in result.stdout
    said = call("registry", "rejects", "2", "--csv").stdout
    assert said == Path("rejects.csv").read_text("utf-8")
    [found] = csv.DictReader(io.StringIO(said))
    assert (found["file"], found["line"], found["reason"]) == (path.name, "5", "unknown_code")
    assert (found["column"], found["value"], found["national_id"]) == (
        "Code mode exercice",
        "?",
        row(200)["national_id"],
    )
    offset = int(found["offset"])
    assert path.read_bytes()[offset:].startswith(f"8|{row(200)['identifier']}|".encode())
    assert [one.split() for one in result.stdout.splitlines() if "unknown_code" in one] == [["unknown_code", "1"]]


def test_rejects_are_listed_and_counted(first: Path) -> None:
    import_(extract(first / "bad", [*people(100), *(row(index, mode="?") for index in range(200, 203))]))
    assert [one["line"] for one in told("registry", "rejects", "2")] == [102, 103, 104]
    some = call("registry", "rejects", "2", "--limit", "2").stdout
    assert "Code mode exercice" in some
    assert some.endswith("2 of 3 lines; all of them with --csv.\n")
    assert call("registry", "rejects", "1").stdout == "This load rejected no line.\n"
    unknown = call("registry", "rejects", "9")
    assert (unknown.exit_code, unknown.stderr.endswith("(load-unknown)\n")) == (1, True)


def test_files_without_a_date_take_the_one_given(house: Path) -> None:
    path = extract(house / "first", people(3)).rename(house / "ps-libreacces-personne-activite.txt")
    facts = told("registry", "import", str(path), "--as-of", "2025-02-03")
    assert (facts["stamp"], facts["stamp_origin"]) == ("2025-02-03T00:00:00+00:00", "as-of")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("PS_LibreAcces_Personne_activite_202501010911.txt", "Nom|Couleur\n", "(extract-header)"),
        ("notes.txt", "bonjour", "(archive-unknown)"),
        ("missing.zip", None, "(archive-missing)"),
    ],
)
def test_what_is_no_extract_is_refused_in_one_sentence(first: Path, name: str, content: str | None, said: str) -> None:
    path = first / name
    if content is not None:
        path.write_text(content, "utf-8")
    result = import_(path)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.splitlines()[-1].endswith(said)
    assert present() == 100


def test_a_refused_file_shows_in_the_status_with_its_problem(first: Path) -> None:
    path = first / "PS_LibreAcces_Personne_activite_202501010911.txt"
    path.write_text("Nom|Couleur\n", "utf-8")
    import_(path)
    assert told("registry", "status")["loads"][0]["what"] == "extract-header"


@pytest.mark.parametrize("arguments", [("import",), ("import", "x", "--as-of", "soon"), ("status", "--limit", "0")])
def test_a_wrong_call_is_exit_code_two(house: Path, arguments: tuple[str, ...]) -> None:
    assert call("registry", *arguments).exit_code == 2


def test_the_status_of_an_empty_registry_says_what_to_do(house: Path) -> None:
    result = call("registry", "status")
    assert result.exit_code == 0
    assert result.stdout.startswith("0 people present, 0 absent, 0 activities\nNo load yet.")


def test_the_status_names_its_source_and_its_age(first: Path) -> None:
    assert import_(extract(first / "same", people(100))).exit_code == 0
    lines = call("registry", "status").stdout.splitlines()
    assert lines[0] == "100 people present, 0 absent, 100 activities"
    assert lines[2].rstrip().endswith("no change")
    source = "Source: RPPS (Annuaire Santé, ANS), data of 2025-01-01, "
    assert lines[-1].startswith(source)
    assert import_(extract(first / "held", people(50), stamp="202502010911")).exit_code == 3
    assert call("registry", "status").stdout.splitlines()[-1].startswith(source)


def test_the_last_load_is_taken_back_with_a_reason(first: Path) -> None:
    assert import_(extract(first / "next", people(101))).exit_code == 0
    assert told("registry", "undo", "2", "--dry-run") == {"created": 1}
    assert call("registry", "undo", "2", "--dry-run").stdout.splitlines()[0] == "Dry run: whom load 2 changed."
    assert (call("registry", "undo", "2").exit_code, present()) == (1, 101)
    undone = call("registry", "undo", "2", "--reason", "withdrawn", "--actor", "nadia")
    assert (undone.exit_code, present()) == (0, 100)
    assert undone.stdout.splitlines()[0] == "Load 2 is taken back."
    assert told("registry", "status")["loads"][0]["state"] == "undone"
    assert "operator:nadia" in call("audit", "trail", "load:2").stdout
    assert import_(extract(first / "same", people(100))).exit_code == 0
    assert call("registry", "undo", "3", "--dry-run").stdout.splitlines()[1:] == ["  nobody"]
    refused = call("registry", "undo", "2", "--reason", "again")
    assert refused.stderr.splitlines()[-1].endswith("(load-not-undoable)")


def test_what_is_odd_is_counted_by_kind(first: Path) -> None:
    counts = told("registry", "anomalies")
    assert set(counts) == set(KINDS)
    said = call("registry", "anomalies").stdout.splitlines()
    assert [line.split() for line in said] == [[kind, str(count)] for kind, count in counts.items()]
    assert "anomalies:found" in call("audit", "trail", "registry").stdout
