"""`psc practitioner`: staff look at a person and decide, one command at a time."""

from pathlib import Path
from typing import Any

import pytest

from pro_sante_connect.rpps.columns import Part
from tests.cli.conftest import call, told
from tests.rpps.files import national, row, write

NURSE = national(1)
RPPS = NURSE[1:]
REASON = ("--reason", "DISC")
PAPERS = ("--evidence", "letter-7", "--note", "see file")


@pytest.fixture
def registered(house: Path) -> Path:
    """A nurse with two activities."""
    rows = [row(1), row(1, mode="L"), row(2)]
    path = write(house / "extract", rows, stamp="202501010911")
    assert call("registry", "import", str(path)).exit_code == 0
    return house


def show(identifier: str = NURSE) -> dict[str, Any]:
    facts: dict[str, Any] = told("practitioner", "show", identifier)
    return facts


def state(facts: dict[str, Any]) -> tuple[str, bool, list[bool]]:
    return facts["status"], facts["may_sign_in"], [one["usable"] for one in facts["activities"]]


def test_a_person_is_found_by_either_form_of_the_number(registered: Path) -> None:
    facts = show(RPPS)
    assert facts == show(NURSE) == show(f"{RPPS[:3]} {RPPS[3:]}")
    assert facts["national_id"] == NURSE
    assert state(facts) == ("registered", True, [True, True])
    assert [one["label"] for one in facts["exercices"]] == ["Infirmier"]
    assert (facts["activities"][0]["mode"], facts["activities"][0]["structure"]) == ("Salarié", "HOPITAL DU HAMAC")
    assert facts["decisions"] == []


def test_a_person_is_shown_in_words(registered: Path) -> None:
    said = call("practitioner", "show", RPPS).stdout
    assert said.splitlines()[0] == f"MME ROSE {row(1)['family_name']}  {NURSE}  (practitioner:{show()['id']})"
    assert "Status: registered (may sign in), in the registry since " in said
    assert "Contact: - · -" in said
    assert said.endswith("Decisions\nNone.\n")


def test_diplomas_and_authorisations_are_shown_in_words(registered: Path) -> None:
    told = [row(1, diploma_type="DE", diploma="DE09", authorisation_type="AM01")]
    write(registered / "extract", told, part=Part.DIPLOMA)
    loaded = call("registry", "import", str(registered / "extract"), env={"PSC_IMPORTS_MAX_CHANGED": "1000"})
    assert loaded.exit_code == 0
    assert (show()["diplomas"], show()["authorisations"]) == (["DE Infirmier"], ["Autorisation de plein exercice"])
    assert "Authorisations: Autorisation de plein exercice\n" in call("practitioner", "show", RPPS).stdout


def test_suspending_and_reinstating_show_the_new_state_at_once(registered: Path) -> None:
    stopped = told("practitioner", "suspend", RPPS, *REASON, "--authority", "CNOM", "--actor", "agathe")
    assert state(stopped) == ("suspended", False, [False, False])
    [decision] = stopped["decisions"]
    assert (decision["reason"], decision["authority"], decision["author"]) == ("DISC", "CNOM", "staff:agathe")
    assert decision["blocks_until"] is decision["lifted_at"] is None
    assert state(show()) == state(stopped)
    assert state(show(national(2)))[1]
    back = told("practitioner", "reinstate", RPPS, *REASON)
    assert state(back) == ("registered", True, [True, True])
    assert back["decisions"][0]["lifted_at"]


def test_one_activity_may_be_suspended_until_a_date(registered: Path) -> None:
    number = show()["activities"][0]["id"]
    facts = told("practitioner", "suspend", RPPS, *REASON, "--activity", str(number), "--until", "2999-12-31")
    assert state(facts) == ("registered", True, [False, True])
    assert facts["decisions"][0]["blocks_until"] == "2999-12-31T00:00:00+00:00"


def test_striking_off_is_told_in_words_with_its_reason(registered: Path) -> None:
    result = call("practitioner", "strike-off", RPPS, *REASON)
    assert result.exit_code == 0
    assert "Status: struck-off (may not sign in)" in result.stdout
    assert result.stdout.splitlines()[-1].count("DISC") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "may", "kind"),
    [
        (("strike-off", *PAPERS), "struck-off", False, "strike-off"),
        (("retire", *PAPERS), "retired", False, "retirement"),
        (("deceased", *PAPERS), "deceased", False, "death"),
        (("block", *PAPERS), "suspended", False, "security-block"),
        (("limit", "--until", "2999-12-31", *PAPERS), "registered", True, "limit"),
        (("suspend", "--effective", "2999-12-31T08:30", *PAPERS), "registered", True, "suspension"),
        (("strike-off", "--effective", "2999-12-31", *PAPERS), "registered", True, "strike-off"),
        (("retire", "--effective", "2999-12-31", *PAPERS), "registered", True, "retirement"),
        (("suspend", "--exercice", "60/C"), "suspended", False, "suspension"),
        (("strike-off", "--exercice", "60/C"), "struck-off", False, "strike-off"),
        (("retire", "--exercice", "60/C"), "retired", False, "retirement"),
        (("limit", "--exercice", "60/C", "--until", "2999-12-31"), "registered", True, "limit"),
    ],
)
def test_every_verb_of_one_signature(
    registered: Path, arguments: tuple[str, ...], status: str, may: bool, kind: str
) -> None:
    verb, *options = arguments
    facts = told("practitioner", verb, RPPS, *REASON, *options)
    assert (facts["status"], facts["may_sign_in"]) == (status, may)
    [decision] = facts["decisions"]
    assert decision["kind"] == kind
    assert (decision["blocks_from"] > "2999") is may
    if "--evidence" in options:
        assert (decision["evidence"], decision["note"]) == ("letter-7", "see file")
    if "--exercice" in options:
        assert (decision["scope"], decision["profession"], decision["category"]) == ("exercice", "60", "C")


def test_a_look_at_a_person_is_journalled_with_who_looked(registered: Path) -> None:
    told("practitioner", "show", RPPS, "--actor", "agathe")
    show()
    subject = f"practitioner:{show()['id']}"
    looks = [entry["actor"] for entry in told("audit", "trail", subject) if entry["event"] == "practitioner:viewed"]
    assert looks[-1] == "staff:agathe"
    assert len(looks) == 3
    assert looks[0].startswith("operator:")


def test_an_ended_activity_is_no_longer_shown_and_ends_only_once(registered: Path) -> None:
    first, second = (one["id"] for one in show()["activities"])
    facts = told("practitioner", "end-activity", RPPS, "--activity", str(first), *REASON)
    assert [one["id"] for one in facts["activities"]] == [second]
    again = call("practitioner", "end-activity", RPPS, "--activity", str(first), *REASON)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.endswith("(activite-ended)\n")


def test_somebody_who_left_the_file_is_shown_as_absent(registered: Path) -> None:
    gone = write(registered / "extract", [row(2)], stamp="202501010911")
    assert call("registry", "import", str(gone), env={"PSC_IMPORTS_MAX_ABSENT": "1000"}).exit_code == 0
    facts = show()
    assert state(facts) == ("absent", False, [])
    said = call("practitioner", "show", RPPS).stdout
    assert "Status: absent (may not sign in)" in said
    assert f"Absent from the registry since {facts['absent_since'][:10]}" in said


def test_contacts_are_set_and_the_journal_does_not_hold_them(registered: Path) -> None:
    mail, phone = "rose@courriel.example", "0639980001"
    facts = told("practitioner", "contact", RPPS, "--email", f" {mail} ", "--phone", phone, "--actor", "agathe")
    assert facts["contact"] == {"email": mail, "phone": phone}
    trail = call("audit", "trail", f"practitioner:{facts['id']}").stdout
    assert "staff:agathe" in trail
    assert mail not in trail
    assert phone not in trail


def test_a_protected_person_is_shown_without_contact(registered: Path) -> None:
    call("practitioner", "contact", RPPS, "--email", "rose@courriel.example", "--phone", "0639980001")
    facts = told("practitioner", "protect", RPPS, "--reason", "PS_DANGER")
    assert (facts["protected"], facts["contact"], facts["may_sign_in"]) == (True, None, True)
    said = call("practitioner", "show", RPPS).stdout
    assert "Protected: not published" in said
    assert "rose@courriel" not in said
    assert call("practitioner", "protect", RPPS, "--reason", "PS_DANGER").stderr.endswith("(already-protected)\n")
    assert told("practitioner", "unprotect", RPPS, "--reason", "ADM")["contact"]["email"] == "rose@courriel.example"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", national(900)), "practitioner-unknown"),
        (("show", "é"), "identifier-malformed"),
        (("suspend", RPPS, "--reason", " "), "reason-missing"),
        (("suspend", RPPS, *REASON, "--until", "2001-01-01"), "until-past"),
        (("suspend", RPPS, *REASON, "--activity", "999"), "activite-unknown"),
        (("suspend", RPPS, *REASON, "--effective", "2001-01-01"), "effective-past"),
        (("suspend", RPPS, *REASON, "--exercice", "10/C"), "exercice-unknown"),
        (("limit", RPPS, *REASON, "--until", "2001-01-01"), "effective-past"),
        (("deceased", RPPS, *REASON, "--evidence", " "), "evidence-missing"),
        (("reinstate", RPPS, *REASON), "not-suspended"),
        (("unprotect", RPPS, *REASON), "not-protected"),
        (("protect", RPPS, "--reason", " "), "reason-missing"),
        (("end-activity", RPPS, *REASON, "--activity", "999"), "activite-unknown"),
    ],
)
def test_a_refusal_is_one_sentence_and_changes_nothing(registered: Path, arguments: tuple[str, ...], code: str) -> None:
    before = show()
    result = call("practitioner", *arguments)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert result.stderr.endswith(f"({code})\n")
    assert show() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("suspend", RPPS),
        ("end-activity", RPPS, *REASON),
        ("suspend", RPPS, *REASON, "--until", "soon"),
        ("suspend", RPPS, *REASON, "--exercice", "60"),
        ("suspend", RPPS, *REASON, "--exercice", "60/C", "--activity", "1"),
        ("limit", RPPS, *REASON),
        ("deceased", RPPS, *REASON),
    ],
)
def test_a_decision_without_what_it_needs_is_a_wrong_call(registered: Path, arguments: tuple[str, ...]) -> None:
    assert call("practitioner", *arguments).exit_code == 2
    assert show()["decisions"] == []
