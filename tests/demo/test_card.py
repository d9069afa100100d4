"""`demo.json` keeps its word."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import requests

from pro_sante_connect.demo import card
from tests.demo.conftest import Demo

KEYS = {
    "issuer", "discovery_url", "wallet_url", "message_box_url", "demo_service_url", "clients", "practitioners", "staff",
}  # fmt: skip
CLIENT = {
    "client_id", "client_secret", "profile", "token_endpoint_auth_method", "redirect_uris", "post_logout_redirect_uris",
}  # fmt: skip
PRACTITIONER = {"situation", "national_id", "given_name", "family_name", "ecps_code", "totp_secret", "phone_url"}


def test_the_keys_are_those_that_are_documented(demo: Demo) -> None:
    assert set(demo.card) == KEYS
    assert all(set(client) == CLIENT for client in demo.card["clients"])
    assert all(set(person) == PRACTITIONER for person in demo.card["practitioners"])


def test_every_situation_is_there_and_twenty_more(demo: Demo) -> None:
    situations = [person["situation"] for person in demo.card["practitioners"]]
    named = [
        "one-activity", "five-activities", "two-exercices", "pharmacist", "no-exercice", "suspended", "not-enrolled",
    ]  # fmt: skip
    assert situations[:7] == named
    assert situations.count("any") >= 20
    enrolled = {person["situation"] for person in demo.card["practitioners"] if person["ecps_code"]}
    assert "not-enrolled" not in enrolled


def test_five_activities_are_in_three_structures(demo: Demo) -> None:
    """What makes a structure: its technical identifier, one name each."""
    ((text,),) = demo.rows(
        "SELECT dossier FROM practitioners WHERE national_id = ?", demo.person("five-activities")["national_id"]
    )
    places = [one["structure"] for exercice in json.loads(text)["exercices"] for one in exercice["activites"]]
    assert len(places) == 5
    assert len({place["technical_id"] for place in places}) == 3
    assert len({(place["technical_id"], place["legal_name"], place["postcode"]) for place in places}) == 3


def test_no_structure_bears_two_names(demo: Demo) -> None:
    names: dict[str, set[tuple[str, str]]] = {}
    for (text,) in demo.rows("SELECT dossier FROM practitioners"):
        for exercice in json.loads(text)["exercices"]:
            for one in exercice["activites"]:
                place = one["structure"]
                # A stray quotation mark before a name is one of the oddities of a real extract.
                names.setdefault(place["technical_id"], set()).add((place["legal_name"].strip('"'), one["sector"]))
    names.pop("", None)
    assert {place: told for place, told in names.items() if len(told) > 1} == {}


def test_the_command_of_the_staff_runs_as_it_stands(demo: Demo, tmp_path: Path) -> None:
    """From any folder, with nothing of ours on PATH."""
    operator, *staff = demo.card["staff"]
    assert [one["role"] for one in staff] == ["registrar", "supervisor", "auditor", "administrator"]
    for one in staff:
        assert requests.get(one["join_url"], timeout=10).status_code == 200
    done = subprocess.run(
        [*shlex.split(operator["command"]), "registry", "status"],
        cwd=tmp_path, env={"PATH": "/nowhere", "PYTHONPATH": str(Path(card.__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "people present" in done.stdout


def test_the_command_is_short_below_the_folder_where_one_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    settings = tmp_path / "my data" / "psc.toml"
    python = f"{tmp_path}/bin/python -m pro_sante_connect"
    assert card.command(settings) == f"{python} --settings '{settings}'"
    (tmp_path / "bin" / "psc").touch()
    assert card.command(settings, beside=tmp_path) == "bin/psc --settings 'my data/psc.toml'"
    assert card.command(settings, beside=tmp_path / "bin").startswith(f"{tmp_path}/bin/psc ")  # not `psc`: see PATH


def test_test_programs_have_clients_of_both_profiles(demo: Demo) -> None:
    back = ["http://localhost:8765/callback", "http://127.0.0.1:8765/callback"]
    programs = {client["profile"] for client in demo.card["clients"] if client["redirect_uris"] == back}
    assert programs == {"psc", "standard"}


def test_the_registry_holds_at_least_two_thousand(demo: Demo) -> None:
    found = demo.psc("doctor").stdout
    count = next(line for line in found.splitlines() if "practitioners" in line).split()
    assert int(count[2]) >= 2000


def test_the_documentation_names_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs" / "demo.md").read_text("utf-8")
    assert all(f"`{key}`" in text for key in KEYS | CLIENT | PRACTITIONER)
