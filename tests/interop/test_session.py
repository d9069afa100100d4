"""A session's limits as a client meets them: half an hour without a sign of life, four hours in all."""

from typing import Any

import pytest
import requests

from tests.interop.client import Program, decoded
from tests.interop.house import House, Person
from tests.rpps.files import national, people

IDLE, WHOLE, TOKEN = 1800, 14_400, 120


@pytest.fixture
def person(house: House) -> Person:
    house.import_registry(people(2))
    return house.enrol(national(1))


def dead(program: Program, tokens: dict[str, Any]) -> None:
    """Refresh, userinfo and introspection say so, and the browser's cookie opens nothing silently."""
    refused = program.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.json()["error_description"]
    assert program.userinfo(tokens["access_token"]).status_code == 401
    for name in ("access_token", "refresh_token"):
        assert program.post("/token/introspect", {"token": tokens[name]}).json() == {"active": False}
    assert program.authorize(program.query(prompt="none"))["error"] == "login_required"


def test_thirty_one_minutes_without_a_sign_end_it(house: House, person: Person) -> None:
    program = house.program()
    tokens = program.sign_in(person)
    house.later(IDLE - 60)
    assert program.authorize(program.query(prompt="none"))["code"]
    house.later(60 + IDLE // 2)  # the silent visit was a sign of life for the session, not for the refresh token
    assert program.authorize(program.query(prompt="none"))["code"]
    house.later(IDLE + 60)
    dead(program, tokens)


def test_refreshes_keep_it_alive_and_its_whole_life_ends_it(house: House, person: Person) -> None:
    program = house.program()
    tokens = program.sign_in(person)
    began = decoded(tokens["id_token"])["auth_time"]
    expected = {seconds: min(IDLE, WHOLE - seconds) for seconds in range(1500, WHOLE, 1500)}
    rests = {}
    for seconds in expected:
        house.later(1500)
        tokens = program.refresh(tokens["refresh_token"]).json()
        rests[seconds] = tokens["refresh_expires_in"]
        own, held = decoded(tokens["id_token"]), decoded(tokens["refresh_token"])
        assert (own["auth_time"], held["exp"] - held["iat"]) == (began, rests[seconds])
    assert rests == expected
    assert list(rests.values())[-1] < IDLE  # it shrinks near the end
    house.later(list(rests.values())[-1] - 1)
    tokens = program.refresh(tokens["refresh_token"]).json()
    assert (tokens["refresh_expires_in"], decoded(tokens["id_token"])["auth_time"]) == (1, began)
    house.later(1)
    dead(program, tokens)


def test_a_strike_off_is_heard_at_the_next_refresh(house: House, person: Person) -> None:
    """Emulation `openxtrem`: it refreshes every few minutes to see whether the person is still there."""
    program = house.program()
    tokens = program.sign_in(person)
    for _ in range(3):
        house.later(200)
        tokens = program.refresh(tokens["refresh_token"]).json()
        assert decoded(tokens["id_token"])["acr"] == "eidas1"
    house.later(1)
    house.strike_off(person)
    dead(program, tokens)


def test_a_new_sign_in_begins_a_session_of_its_own(house: House, person: Person) -> None:
    program = house.program()
    first = program.sign_in(person)
    house.later(WHOLE + 1)
    second = program.sign_in(person)
    assert second["session_state"] != first["session_state"]
    assert decoded(second["id_token"])["auth_time"] > decoded(first["id_token"])["auth_time"] + WHOLE
    assert program.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_second_service_opens_silently_with_the_time_of_the_sign_in(house: House, person: Person) -> None:
    program = house.program()
    began = decoded(program.sign_in(person)["id_token"])["auth_time"]
    house.later(1000)
    other = house.program("essai-autre")
    other.visitor = program.visitor
    tokens = other.redeem(other.authorize(other.query(prompt="none"))["code"]).json()
    own = decoded(tokens["id_token"])
    assert (own["auth_time"], own["iat"] - own["auth_time"]) == (began, 1000)


def test_a_token_outlives_its_two_minutes_nowhere(house: House, person: Person) -> None:
    """Emulation `introspection`: live, expired, revoked, garbage, another client's, a refresh token."""
    program, other = house.program(), house.program("essai-autre")
    tokens = program.sign_in(person)
    house.later(TOKEN - 1)
    live = program.post("/token/introspect", {"token": tokens["access_token"]}).json()
    assert (live["active"], live["SubjectNameID"]) == (True, person["national_id"])
    held = program.post("/token/introspect", {"token": tokens["refresh_token"]}).json()
    assert (held["active"], "SubjectNameID" in held) == (True, False)
    assert other.post("/token/introspect", {"token": tokens["access_token"]}).json() == {"active": False}
    house.later(1)
    assert program.post("/token/introspect", {"token": tokens["access_token"]}).json() == {"active": False}
    assert program.userinfo(tokens["access_token"]).status_code == 401
    for nonsense in ("x", "a.b.c", tokens["id_token"], tokens["access_token"][:-2] + "xx", "é" * 50):
        assert program.post("/token/introspect", {"token": nonsense}).json() == {"active": False}
    fresh = program.refresh(tokens["refresh_token"]).json()
    assert program.post("/revoke", {"token": fresh["access_token"]}).status_code == 200
    assert program.post("/token/introspect", {"token": fresh["access_token"]}).json() == {"active": False}
    house.later(IDLE)
    assert program.post("/token/introspect", {"token": fresh["refresh_token"]}).json() == {"active": False}
    unknown = requests.post(program.oidc + "/token/introspect", data={"token": "x"}, timeout=10)
    assert (unknown.status_code, bool(unknown.json()["error_description"])) == (401, True)
