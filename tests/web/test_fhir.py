"""The directory in FHIR over HTTP; an independent parser (fhir.resources, R4B) reads every answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from sqlalchemy import Engine, update

from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import decisions
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.web.endpoints import fhir
from tests.oidc.parties import make_cast
from tests.rpps.files import activites, national, row
from tests.serving import serving
from tests.web.directory import ROWS, RPPS, House, pages, values

DAY = 86_400


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with serving(engine) as served:
        cast = make_cast(served.world)
        client = cast.client(redirect_uris=(), grant_types=("client_credentials",), scopes=("fhir.read",))
        made = House(served, cast, tmp_path, client)
        made.load("first", ROWS)
        served.world.clock.advance(60)
        yield made


def test_a_person_is_one_resource_with_all_her_professions_and_no_contact(house: House) -> None:
    [one] = house.found(f"Practitioner?identifier={RPPS}|{national(1)[1:]}")
    assert values(one) == [national(1), national(1)[1:]]
    assert one["name"] == [{"use": "usual", "family": "LAMPADAIRE", "given": ["Hélène"], "prefix": ["MME"]}]
    codes = [[coding["code"] for coding in part["code"]["coding"]] for part in one["qualification"]]
    assert codes == [["10", "C"], ["S", "SM26"]]
    assert house.told(f"Practitioner/{one['id']}") == one
    assert national(1)[1:] not in one["id"]
    assert not {"telecom", "address", "gender", "birthDate"} & set(one)
    [employee] = house.found("Practitioner?identifier=3000000042/12")
    assert values(employee) == ["3000000042/12"]
    assert "profile" not in employee["meta"]


def test_roles_are_found_by_rpps_and_refer_to_what_can_be_read(house: House) -> None:
    roles = house.found(f"PractitionerRole?practitioner.identifier=http://rpps.fr|{national(1)[1:]}")
    assert len(roles) == len(activites(house.served.world, 1)) == 2
    assert [coding["code"] for part in roles[0]["code"] for coding in part["coding"]] == ["GENR01", "S"]
    for role in roles:
        assert house.told(f"PractitionerRole/{role['id']}") == role
        assert values(house.told(role["practitioner"]["reference"]))[0] == national(1)
    place = house.told(roles[0]["organization"]["reference"])
    assert (place["name"], place["telecom"][0]["value"]) == ("HOPITAL DU HAMAC", "0199000001")
    assert place["address"][0]["city"] == "VALFEUTRE"
    there = house.found(f"PractitionerRole?organization={roles[0]['organization']['reference']}")
    assert len(there) == 2
    [alone] = house.found(f"PractitionerRole?practitioner.identifier={national(5)}")
    assert "organization" not in alone


QUESTIONS = [
    ("family=lampadaire", [1, 3]), ("family=LAMP", [1, 3]), ("family=la", [1, 3]), ("family:contains=mpad", [1, 3]),
    ("family:exact=Lampadaire", []), ("family:exact=LAMPADAIRE", [1, 3]), ("given=helene", [1]),
    ("family=lampadaire&given=rose", [3]), ("family=lampadaire,arrosoir", [1, 2, 3]), ("name=felix", [5]),
    ("family=d'arc-en", [5]), ("qualification-code=10", [1]), ("qualification-code=SM26", [1]),
    ("active=true&given=h", [1]),
    (f"identifier={national(2)}", [2]), (f"identifier={RPPS}|", [1, 2, 3, 5]),
    (f"identifier=urn:other|{national(2)}", []),
    ("identifier=89820424052", []), ("family=nobody", []), ("_lastUpdated=ge2030-03-05", [1, 2, 3, 4, 5]),
    ("_lastUpdated=gt2030-03-05", []), ("_lastUpdated=lt2030-03-05", []), ("active=false", []), ("_id=p-x,7", []),
]  # fmt: skip


def test_each_question_finds_whom_the_rows_say(house: House) -> None:
    of = {one["national_id"]: number for one, number in zip(ROWS, (1, 1, 2, 3, 4, 5), strict=True)}
    for question, wanted in QUESTIONS:
        both = [house.found(f"Practitioner?{question}")]
        both.append(house.found("Practitioner/_search", method="POST", data=parse_qsl(question)))
        for found in both:
            assert sorted(of[held] for one in found for held in values(one)[:1] if held in of) == wanted, question


def test_paging_tells_each_role_once_while_a_load_is_published(house: House) -> None:
    before = [one["id"] for page in pages(house, "PractitionerRole") for one in page]
    assert len(before) == len(set(before)) == 6
    told = pages(house, "PractitionerRole?_count=2")
    seen = next(told)
    house.served.world.clock.advance(60)
    # One leaves, one moves, one comes.
    later = [*ROWS[:2], ROWS[3], ROWS[4], ROWS[5] | {"mode": "L"}, row(6, family_name="SAC")]
    house.load("second", later, stamp="203003050911")
    house.served.world.clock.advance(60)
    for page in told:
        assert len(page) <= 2
        seen += page
    assert [one["id"] for one in seen] == before
    gone = {one["id"] for one in seen if not one["active"]}
    now = {one["id"] for one in house.found("PractitionerRole")}
    assert len(now) == 6
    assert gone == set(before[2:]) - now != set()


def test_a_page_is_ours_of_its_client_and_for_half_an_hour(house: House) -> None:
    following = house.told("PractitionerRole?_count=1")["link"][1]["url"]
    for forged in ("", "x", following.rpartition("=")[2][:-4], "é"):
        house.refused(f"_page?id={quote(forged)}", 400, "page-unknown")
    other = house.cast.client(redirect_uris=(), grant_types=("client_credentials",), scopes=("fhir.read",))
    house.refused(following, 400, "page-unknown", headers={"Authorization": f"Bearer {house.token(other)}"})
    house.served.world.clock.advance(29 * 60)
    second = house.told(following)["link"][1]["url"]
    house.served.world.clock.advance(60)
    house.refused(second, 410, "page-expired")


EVERY = [0, 1, 2, 3]
PLACES = [
    ("", EVERY), ("name=hopital du", EVERY), ("name=hamac", []),
    ("name:contains=hamac", EVERY),
    ("name=h&address-city=valfeutre", [0]), ("address-postalcode=00120", [0]), ("address-postalcode=001", [0]),
    ("identifier=000000011", [0]), ("identifier=https://finess.esante.gouv.fr|000000011", [0]),
    ("identifier=C000000002", [1]), ("identifier=000000011&name=other", []), ("type=SA01", EVERY),
    ("type=SA02", []), ("active=false", []), ("_lastUpdated=ge2030-03-05", EVERY), ("_id=o-x", []),
]  # fmt: skip


def test_structures_are_found_once_each_page_by_page(house: House) -> None:
    numbers = ["F000000011", "C000000002", *(one["technical_id"] for one in (ROWS[2], ROWS[4]))]
    for question, wanted in PLACES:
        found = [one for page in pages(house, f"Organization?_count=2&{question}") for one in page]
        technical = [values(one)[0] for one in found]
        assert technical == sorted(numbers[place] for place in wanted), question
    one = house.found("Organization?identifier=F000000011&_total=accurate")[0]
    assert house.found(f"Organization?_id={one['id']}") == [house.told(f"Organization/{one['id']}")] == [one]
    for index in (1, 3):
        house.decide(index, decisions.suspend, reason="DISC")
    assert house.found("Organization?identifier=F000000011") == []


def test_who_left_is_told_as_inactive_for_400_days(house: House) -> None:
    name = house.id_of(2)
    [role] = house.found(f"PractitionerRole?practitioner.identifier={national(2)}")
    house.load("second", [ROWS[0], ROWS[3]], stamp="203003050911")
    for where in (f"Practitioner/{name}", f"PractitionerRole/{role['id']}"):
        gone = house.told(where)
        assert set(gone) == {"resourceType", "id", "meta", "active"}
        assert gone["active"] is False
    assert house.found(f"Practitioner?identifier={national(2)}") == []
    assert name in [one["id"] for one in house.found("Practitioner?active=false")]
    assert name in [one["id"] for one in house.found("Practitioner?_lastUpdated=ge2030-03-05")]
    assert name not in [one["id"] for one in house.found("Practitioner")]
    house.served.world.clock.advance(401 * DAY)
    house.refused(f"Practitioner/{name}", 404, "resource-unknown")
    house.refused(f"PractitionerRole/{role['id']}", 404, "resource-unknown")
    assert house.found("Practitioner?active=false") == []


@pytest.mark.parametrize("verb", [decisions.suspend, decisions.strike_off])
def test_who_is_stopped_is_inactive_and_nobody_hears_why(house: House, verb: Any) -> None:
    name = house.id_of(1)
    [role, _] = house.found(f"PractitionerRole?practitioner.identifier={national(1)}")
    house.served.world.clock.advance(60)
    house.decide(1, verb, reason="DISC")
    for where in (f"Practitioner/{name}", f"PractitionerRole/{role['id']}"):
        answer = house.told(where)
        assert set(answer) == {"resourceType", "id", "meta", "active"}
        assert answer["active"] is False
        assert answer["meta"]["lastUpdated"] > role["meta"]["lastUpdated"]
    assert house.found("Practitioner?family=lampadaire&given=helene") == []
    moment = role["meta"]["lastUpdated"]
    assert [one["id"] for one in house.found(f"Practitioner?_lastUpdated=gt{moment}")] == [name]
    assert len(house.found(f"PractitionerRole?_lastUpdated=gt{moment}")) == 2


def test_a_protected_person_is_like_an_unknown_one(house: House) -> None:
    name = house.id_of(2)
    [role] = house.found(f"PractitionerRole?practitioner.identifier={national(2)}")
    with writing(house.served.world.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.national_id == national(2)).values(protected=True))
    for where in (f"Practitioner/{name}", f"PractitionerRole/{role['id']}", role["organization"]["reference"]):
        kind = where.partition("/")[0]
        unknown = house.get(f"{kind}/p-x").json()
        assert house.told(where, 404) == unknown
    for question in (f"identifier={national(2)}", "family=arrosoir", f"_id={name}"):
        assert house.found(f"Practitioner?{question}") == []
    assert name not in [one["id"] for one in house.found("Practitioner?active=false")]
    assert house.found(f"PractitionerRole?practitioner={name}") == []


def test_what_is_included_counted_and_left_out(house: House) -> None:
    document = house.told("Practitioner?given=helene&_revinclude=PractitionerRole:practitioner&_total=accurate")
    assert [entry["search"]["mode"] for entry in document["entry"]] == ["match", "include", "include"]
    assert document["total"] == 1
    both = "_include=PractitionerRole:practitioner&_include=PractitionerRole:organization"
    some = house.found(f"PractitionerRole?practitioner.identifier={national(1)}&{both}")
    assert sorted(one["resourceType"] for one in some) == [
        "Organization", "Organization", "Practitioner", "PractitionerRole", "PractitionerRole",
    ]  # fmt: skip
    [one] = house.found("Practitioner?given=helene&_elements=name")
    assert set(one) == {"resourceType", "id", "meta", "name"}
    assert one["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_what_cannot_be_answered_says_which_parameter_and_what_there_is(house: House) -> None:
    words = house.refused("Practitioner?birthdate=2000-01-01", 400, "parameter-unknown")
    assert "'birthdate'" in words
    assert "qualification-code" in words
    assert "'missing'" in house.refused("Practitioner?family:missing=true", 400, "modifier-unknown")
    for wrong in ("_count=0", "_count=x", "_total=maybe", "active=maybe", "_lastUpdated=soon", "family="):
        assert wrong.partition("=")[0] in house.refused(f"Practitioner?{wrong}", 400, "parameter-malformed")
    house.refused("Practitioner?_include=Patient:x", 400, "include-unknown")
    house.refused("Practitioner?_format=xml", 406, "format-unknown")
    house.refused("Practitioner", 406, "format-unknown", headers={"Accept": "application/xml"})
    house.refused("Practitioner?family=%00", 400, "request-malformed")
    for unknown in ("Patient", "Practitioner/p-x/history", "", "Practitioner/o-AAAA", "PractitionerRole/r-é"):
        house.told(unknown, 404)
    house.told("Practitioner", 404, method="DELETE")


def test_only_a_living_token_of_the_scope_opens(house: House) -> None:
    house.refused("Practitioner", 401, "invalid_token", headers={"Authorization": "Bearer x"})
    house.refused("Practitioner", 401, "invalid_token", headers={"Authorization": ""})
    other = house.cast.client(redirect_uris=(), grant_types=("client_credentials",), scopes=("ssf.read",))
    lesser = {"Authorization": f"Bearer {house.token(other)}"}
    house.refused("Practitioner", 403, "insufficient_scope", headers=lesser)
    house.told("Practitioner", headers={"Authorization": "", "ESANTE-API-KEY": house.token()})
    house.told("metadata", headers={"Authorization": ""})


def test_an_answer_that_still_stands_is_not_sent_again(house: House) -> None:
    answer = house.get("Practitioner")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": answer.headers["ETag"]}
    assert house.get("Practitioner", headers=again).status_code == 304
    house.decide(1, decisions.suspend, reason="DISC")
    assert house.get("Practitioner", headers=again).status_code == 200


def test_who_asks_too_often_waits(house: House) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fhir, "A_MINUTE", 1)
        house.told("Practitioner")
        house.refused("Practitioner", 429, "too-many-requests")
        house.served.world.clock.advance(60)
        house.told("Practitioner")


def test_a_defect_is_an_outcome_too(house: House) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fhir.fhir_read, "read", lambda *_, **__: 1 / 0)
        house.refused("Practitioner/p-x", 500, "defect")
