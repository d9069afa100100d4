"""Client emulations that need the clock to move (psc-profile §17: 7, 8, 11, 13), over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import Engine

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.settings import Lifetimes, Settings
from tests.interop.client import decoded
from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.serving import Served, serving

NOTICE = 60


@dataclass
class Program:
    """A service that keeps its tokens fresh."""

    served: Served
    client: tuple[str, str]
    tokens: dict[str, Any]

    def post(self, path: str, **form: str) -> requests.Response:
        return requests.post(self.served.oidc + path, form, auth=self.client)

    def refresh(self) -> requests.Response:
        answer = self.post("/token", grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    def claims(self, name: str = "id_token") -> dict[str, Any]:
        return decoded(self.tokens[name])

    def wait(self, seconds: float) -> None:
        self.served.world.clock.advance(seconds)


@dataclass
class House:
    """A provider and a person."""

    served: Served
    people: Cast


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    with serving(engine, replace(Settings(), lifetimes=Lifetimes(key_notice=NOTICE))) as served:
        cast = make_cast(served.world)
        cast.machine = served.app.extensions["psc"].machine
        yield House(served, cast)


def program(house: House) -> Program:
    served, people = house.served, house.people
    client = people.client()
    code = people.code(client[0], people.sign_in())
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return Program(served, client, requests.post(served.oidc + "/token", form, auth=client).json())


def refused(answer: requests.Response) -> bool:
    """400 with words, as programs that refresh to see whether the person is still there expect it."""
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["error_description"] in ("Session not active", "Token is not active")
    return True


@pytest.mark.parametrize(("minutes", "ended"), [(29, False), (31, True)])
def test_session_13_half_an_hour_of_silence_ends_it(house: House, minutes: int, ended: bool) -> None:
    mine = program(house)
    mine.wait(minutes * 60)
    assert refused(mine.refresh()) is ended


def test_session_13_refreshes_carry_it_to_four_hours_and_no_further(house: House) -> None:
    mine = program(house)
    began, sid = mine.claims()["auth_time"], mine.claims()["sid"]
    rests = []
    for _ in range(10):
        mine.wait(1430)
        assert mine.refresh().status_code == 200
        own, again = mine.claims(), mine.claims("refresh_token")
        assert (own["auth_time"], own["sid"], mine.claims("access_token")["auth_time"]) == (began, sid, began)
        assert again["exp"] - again["iat"] == mine.tokens["refresh_expires_in"]
        assert again["exp"] <= began + 14_400
        rests.append(mine.tokens["refresh_expires_in"])
    assert rests == [1800] * 8 + [1530, 100]
    mine.wait(99)
    assert mine.refresh().status_code == 200
    assert mine.tokens["refresh_expires_in"] == 1
    mine.wait(1)
    assert refused(mine.refresh())
    bearer = {"Authorization": f"Bearer {mine.tokens['access_token']}"}
    assert requests.get(mine.served.oidc + "/userinfo", headers=bearer).status_code == 401


def test_openxtrem_7_a_strike_off_is_heard_at_the_next_refresh(house: House) -> None:
    mine = program(house)
    for _ in range(3):
        mine.wait(200)
        assert mine.refresh().status_code == 200
        assert mine.claims()["acr"] == "eidas1"
        assert mine.claims("refresh_token")["exp"] > mine.served.world.now.timestamp()
    mine.wait(1)
    with writing(house.people.world.engine) as db:
        known = registry.get(db, house.people.practitioner)
        decisions.strike_off(db, known, reason="DISC", origin=SYSTEM, now=mine.served.world.now)
    assert refused(mine.refresh())
    assert refused(mine.refresh())


def test_keycloak_broker_8_a_new_key_is_known_before_it_signs_and_the_old_one_after(house: House) -> None:
    mine = program(house)
    dep, certs = mine.served.world.dep, mine.served.oidc + "/certs"

    def verified(ring: Any, token: str) -> bool:
        return bool(jwt.decode(token, KeySet.import_key_set(ring), algorithms=["RS256"]).claims["sub"])

    def kid() -> str:
        return str(jwt.decode(mine.tokens["id_token"], KeySet.import_key_set(published())).header["kid"])

    def published() -> Any:
        return requests.get(certs).json()

    before, old_kid, old = published(), kid(), mine.tokens["id_token"]
    with writing(dep.engine) as db:
        now = mine.served.world.now
        keys.rotate(db, notice=timedelta(seconds=NOTICE), longest=timedelta(seconds=120), vault=dep.vault,
                    chance=dep.chance, origin=SYSTEM, now=now)  # fmt: skip
    mine.wait(NOTICE - 1)
    loaded = published()  # by a program that reads the keys from time to time
    assert len(loaded["keys"]) > len(before["keys"])
    assert mine.refresh().status_code == 200
    assert kid() == old_kid  # published, and not signing yet
    mine.wait(1)
    assert mine.refresh().status_code == 200
    assert kid() != old_kid
    for ring in (loaded, published()):
        assert verified(ring, mine.tokens["id_token"])
        assert verified(ring, old)
    mine.wait(121)
    assert old_kid not in [key["kid"] for key in published()["keys"]]
    hint = requests.get(mine.served.oidc + "/logout", {"id_token_hint": old}, allow_redirects=False)
    assert hint.status_code == 200  # a retired key still says that a hint is ours
    assert refused(mine.refresh())


def test_introspection_11_an_expired_token_is_bare_and_its_refresh_token_is_not(house: House) -> None:
    mine = program(house)
    live = mine.post("/token/introspect", token=mine.tokens["access_token"]).json()
    assert (live["active"], live["SubjectNameID"]) == (True, live["username"])
    mine.wait(119)
    assert mine.post("/token/introspect", token=mine.tokens["access_token"]).json()["active"] is True
    mine.wait(1)
    assert mine.post("/token/introspect", token=mine.tokens["access_token"]).text == '{"active":false}'
    assert mine.post("/token/introspect", token=mine.tokens["id_token"]).text == '{"active":false}'
    still = mine.post("/token/introspect", token=mine.tokens["refresh_token"]).json()
    assert (still["active"], "SubjectNameID" in still) == (True, False)
    mine.wait(1681)
    assert mine.post("/token/introspect", token=mine.tokens["refresh_token"]).text == '{"active":false}'
