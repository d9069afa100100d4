"""UserInfo of two people as the real service gives it (psc-profile §5.5 to 5.7): every member, value and order.

The files in `golden/` have the shape of the captures, member for member; the people in them are made up. They come
in by the importer, from a file of the extract, and out over HTTP.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.oidc.tokens.shape_psc import SHAPES
from tests.oidc.parties import Cast
from tests.rpps.files import Facts, load, national, person, row, write
from tests.serving import Served, serving

GOLDEN = Path(__file__).parent / "golden"
TWO, MINIMAL, LONELY = 5, 6, 7
KEPT_BY_ALL = {"sub", "SubjectNameID", "preferred_username", "given_name", "family_name", "SubjectRefPro"}

DOCTOR = row(
    TWO, family_name="LAMPADAIRE", given_name="ELOI", civility="M", exercice_civility="DR", profession="10",
    sf_kind="S", sf_code="SM26",
)  # fmt: skip
PRACTICE = {
    "mode": "L", "sector": "SA07", "technical_id": "R998671", "legal_name": "CABINET M LAMPADAIRE",
    "recipient": "CABINET M LAMP", "number": "1", "street_kind": "R", "street": "NOIR", "cedex": "00010 ROCAILLE",
    "postcode": "00010", "country": "99000", "former_id": f"4{national(TWO)[1:]}006", "authority": "CNOM/CNOM/CNOM",
}  # fmt: skip
HOSPITAL = {
    "mode": "S", "sector": "SA01", "finess": "000193488", "legal_finess": "000064166", "technical_id": "F000193488",
    "legal_name": "HOPITAL DE LA LOUCHE  FIN", "number": "10", "street_kind": "R", "street": "DE ROCAILLE",
    "cedex": "ROCAILLE", "postcode": "00010", "former_id": "1000193488", "authority": "CNOM/CNOM/ARS",
}  # fmt: skip
NO_EXERCICE = dict.fromkeys(
    ("profession", "category", "mode", "sector", "technical_id", "legal_name", "authority"), ""
)  # fmt: skip
FILE: list[Facts] = [
    DOCTOR | PRACTICE, DOCTOR | HOSPITAL,
    row(MINIMAL, family_name="TABOURET", given_name="OCTAVE", civility="M", **NO_EXERCICE),
    row(LONELY, mode="", sector="", technical_id="", legal_name="", authority=""),
]  # fmt: skip


@pytest.fixture
def served(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with serving(engine) as running:
        assert load(running.world, write(tmp_path, FILE)).state == "published"
        dep = running.world.dep
        with writing(engine) as db:
            keys.ensure(db, vault=dep.vault, chance=dep.chance, now=running.world.now)
        yield running


def who(served: Served, index: int) -> Cast:
    machine = served.app.extensions["psc"].machine
    return Cast(served.world, machine, person(served.world, index).id, (0, 0))


def token(people: Cast, **wish: Any) -> str:
    return str(people.tokens(people.client(**wish), people.sign_in())["access_token"])


def told(served: Served, access: str) -> list[requests.Response]:
    bearer = {"Authorization": f"Bearer {access}"}
    return [requests.request(method, served.oidc + "/userinfo", headers=bearer) for method in ("GET", "POST")]


def in_order(text: str) -> Any:
    """The document with the order of its members."""
    return json.loads(text, object_pairs_hook=list)


@pytest.mark.parametrize(("index", "golden"), [(TWO, "two_activities.json"), (MINIMAL, "minimal.json")])
def test_userinfo_is_the_golden_document_member_by_member(served: Served, index: int, golden: str) -> None:
    expected = (GOLDEN / golden).read_text("utf-8")
    for answer in told(served, token(who(served, index))):
        assert answer.headers["Content-Type"] == "application/json"
        assert in_order(answer.text) == in_order(expected)


def test_an_exercice_without_a_place_is_not_left_out(served: Served) -> None:
    answer = told(served, token(who(served, LONELY)))[0].json()
    assert answer["SubjectRole"] == ["60^1.2.250.1.213.1.1.5.5"]
    assert (answer["SubjectOrganization"], answer["SubjectOrganizationID"], answer["Secteur_Activite"]) == ("", "", "")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_captured_shape_agrees_with_the_golden_one_where_both_speak(served: Served, shape: str) -> None:
    people = who(served, TWO)
    request = MachineRequest(method="GET", authorization=f"Bearer {token(people)}")
    found = json.loads(userinfo(people.machine, request, shape=shape).body)
    golden = json.loads((GOLDEN / "two_activities.json").read_text("utf-8"))
    assert set(found) >= KEPT_BY_ALL
    assert common(found, golden) == common(golden, found)
    gone, added = set(golden) - set(found), set(found) - set(golden)
    assert (gone, added) == {
        "2021": ({"authMode", "otherIds"}, {"email_verified"}),
        "2022": (set(), {"email_verified"}),
        "2023": (set(), set()),
        "2023-root": ({"authMode"}, {"codeCivilite", "codeGenreActivite"}),
    }[shape]
    fields = [len(one) for exercice in found["SubjectRefPro"]["exercices"] for one in exercice["activities"]]
    assert fields == ([30, 30] if shape == "2023" else [29, 29])


def common(one: Any, other: Any) -> Any:
    """What `one` says of the members that both have."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: common(value, other[name]) for name, value in one.items() if name in other}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [common(value, twin) for value, twin in zip(one, other, strict=True)]
    return one
