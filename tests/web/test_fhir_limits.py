"""A request of the directory looks at so many people and no more; what it is given may be anything."""

import base64

import pytest

from pro_sante_connect.rpps import decisions, fhir_places, fhir_search
from tests.rpps.files import national, row
from tests.web.directory import ROWS, House, pages
from tests.web.test_fhir import DAY, house

__all__ = ["house"]


def test_a_page_ends_when_enough_people_were_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [one["id"] for one in house.found("Practitioner")]
    monkeypatch.setattr(fhir_search, "_LOOKED", 2)
    for question, wanted in (("Practitioner", whole), ("Practitioner?family:contains=zzz", [])):
        told = list(pages(house, question))
        assert [one["id"] for page in told for one in page] == wanted
        assert len(told) == 4
    assert len(list(pages(house, "PractitionerRole"))) > 1


def test_what_is_too_much_to_count_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_search, "_LOOKED", 2)
    assert house.told("Practitioner?_total=accurate&_count=1")["total"] == 5
    monkeypatch.setattr(fhir_search, "_COUNTED", 4)
    house.refused("Practitioner?_total=accurate", 400, "too-costly")
    assert "total" not in house.told("Practitioner?_total=estimate")
    assert house.told("Practitioner?_total=estimate&family=arrosoir&given=rose")["total"] == 1


def test_structures_come_in_portions_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [one["id"] for one in house.found("Organization")]
    monkeypatch.setattr(fhir_places, "_LOOKED", 1)
    assert [one["id"] for page in pages(house, "Organization") for one in page] == whole
    named = [one["id"] for page in pages(house, "Organization?name=hopital") for one in page]
    monkeypatch.setattr(fhir_places, "_PEOPLE", 0)
    assert [one["id"] for page in pages(house, "Organization?name=hopital") for one in page] == named != []


def test_a_place_where_nobody_practises_is_not_told(house: House) -> None:
    [role] = house.found(f"PractitionerRole?practitioner.identifier={national(2)}")
    place = role["organization"]["reference"]
    assert [one["id"] for one in house.found(f"PractitionerRole?_id={role['id']},r-x")] == [role["id"]]
    house.decide(2, decisions.suspend, reason="DISC")
    assert place not in [f"Organization/{one['id']}" for one in house.found("Organization")]
    house.refused(place, 404, "resource-unknown")


def test_somebody_without_exercice_has_no_qualification(house: House) -> None:
    nothing = dict.fromkeys(("profession", "category", "mode", "sector", "technical_id", "legal_name"), "")
    house.load("more", [*ROWS, row(9, **nothing)], stamp="203003050911")
    [one] = house.found(f"Practitioner?identifier={national(9)}")
    assert one["active"] is True
    assert "qualification" not in one


def test_an_id_that_we_did_not_make_is_unknown(house: House) -> None:
    forged = base64.b64encode(bytes(22), b"-.").decode().rstrip("=")
    for kind, mark in (("Practitioner", "p"), ("PractitionerRole", "r"), ("Organization", "o")):
        for told in (forged, "AAAA", "A"):
            house.refused(f"{kind}/{mark}-{told}", 404, "resource-unknown")


def test_whoever_left_long_ago_tells_nothing_of_where_she_worked(house: House) -> None:
    """A place is told by somebody who works there still."""
    house.load("more", [*ROWS, row(8, technical_id="F000000011")], stamp="203003050911")
    [role] = house.found(f"PractitionerRole?practitioner.identifier={national(8)}")
    place = role["organization"]["reference"]
    house.load("less", [ROWS[2], ROWS[4]], stamp="203003060911")
    house.served.world.clock.advance(401 * DAY)
    house.refused(place, 404, "resource-unknown")
    assert [one["id"] for one in house.found("Practitioner")] != []
