"""UserInfo as the real service gives it: two people of the shapes that were captured, imported and signed in."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from tests.interop.house import House
from tests.interop.registry_of_shapes import BARE, DOCTOR, PLACELESS, PODIATRIST, TWICE, everybody

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture
def access(house: House) -> "Access":
    house.import_registry(everybody())
    return Access(house)


class Access:
    """Access tokens of people of this registry."""

    def __init__(self, house: House) -> None:
        self.house, self.program = house, house.program()

    def of(self, national_id: str) -> str:
        self.program.visitor.session.cookies.clear()
        return str(self.program.sign_in(self.house.enrol(national_id))["access_token"])

    def text(self, national_id: str) -> str:
        """By GET, and the same by POST."""
        bearer = {"Authorization": f"Bearer {self.of(national_id)}"}
        answers = [requests.request(method, self.program.oidc + "/userinfo", headers=bearer, timeout=10)
                   for method in ("GET", "POST")]  # fmt: skip
        assert [(one.status_code, one.headers["Content-Type"]) for one in answers] == [(200, "application/json")] * 2
        assert answers[0].content == answers[1].content
        return answers[0].text

    def claims(self, national_id: str) -> dict[str, Any]:
        return dict(json.loads(self.text(national_id)))


def in_order(text: str) -> Any:
    """Members as pairs: a difference of order is a difference."""
    return json.loads(text, object_pairs_hook=list)


@pytest.mark.parametrize(("name", "national_id"), [("doctor", DOCTOR), ("bare", BARE)])
def test_members_values_and_order_are_those_of_the_captures(access: Access, name: str, national_id: str) -> None:
    assert in_order(access.text(national_id)) == in_order((GOLDEN / f"{name}.json").read_text("utf-8"))


ACTIVITY = {"codeGenreActivite"}


@pytest.mark.parametrize(
    ("shape", "gone", "came"),
    [
        ("2021", {"authMode", "otherIds", *ACTIVITY}, {"email_verified": False}),
        ("2022", ACTIVITY, {"email_verified": False}),
        ("2023-root", {"authMode", "SubjectRefPro.codeCivilite", *ACTIVITY},
         {"codeCivilite": "M", "codeGenreActivite": ""}),
    ],
)  # fmt: skip
def test_older_captures_differ_by_named_members_and_no_other(
    access: Access, shape: str, gone: set[str], came: dict[str, Any]
) -> None:
    request = MachineRequest(method="GET", authorization=f"Bearer {access.of(DOCTOR)}")
    machine = access.house.served.app.extensions["psc"].machine
    now, old = (json.loads(userinfo(machine, request, shape=name).body) for name in ("2023", shape))
    expected = {name: value for name, value in now.items() if name not in gone} | came
    professional = expected["SubjectRefPro"]
    if "SubjectRefPro.codeCivilite" in gone:
        del professional["codeCivilite"]
    for exercice in professional["exercices"]:
        for activity in exercice["activities"]:
            del activity["codeGenreActivite"]
    assert old == expected


def test_without_know_how_or_title_the_members_are_empty_and_there(access: Access) -> None:
    claims = access.claims(PODIATRIST)
    (exercice,) = claims["SubjectRefPro"]["exercices"]
    empty = ("codeCiviliteDexercice", "codeTypeSavoirFaire", "codeSavoirFaire")
    assert [exercice[name] for name in empty] == [""] * 3
    (activity,) = exercice["activities"]
    assert (activity["numeroSiretSite"], activity["numeroSirenSite"]) == ("00000004300015", "000000000")
    assert claims["family_name"] == "ABAT / JOUR"
    assert claims["SubjectRole"] == ["80^1.2.250.1.213.1.1.5.5"]


def test_one_profession_may_come_twice_and_two_places_may_have_one_name(access: Access) -> None:
    claims = access.claims(TWICE)
    as_civilian, as_student = claims["SubjectRefPro"]["exercices"]
    assert [one["codeProfession"] for one in (as_civilian, as_student)] == ["10", "10"]
    assert [one["codeCategorieProfessionnelle"] for one in (as_civilian, as_student)] == ["C", "E"]
    assert [one["raisonSocialeSite"] for one in as_civilian["activities"]] == ["CABINET DES DEUX PORTES"] * 2
    assert as_student["activities"] == []
    assert claims["SubjectRole"] == ["10^1.2.250.1.213.1.1.5.5"]


def test_an_exercice_without_a_place_is_there_and_its_organisation_is_empty(access: Access) -> None:
    claims = access.claims(PLACELESS)
    (exercice,) = claims["SubjectRefPro"]["exercices"]
    assert (exercice["codeProfession"], exercice["activities"]) == ("60", [])
    assert claims["SubjectRole"] == ["60^1.2.250.1.213.1.1.5.5"]
    organisation = ("SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite")
    assert [claims[name] for name in organisation] == [""] * 3
