"""A Keycloak that brokers sign-ins: it fetched the JWKS when it started and asks again for an unknown `kid` only."""

import base64
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.tokens import keys
from tests.interop.client import SIGNED_OUT, Program, decoded
from tests.interop.house import House, Person
from tests.rpps.files import national, people

NONCE = "0123456789ABCDEF" * 4


@dataclass
class Broker:
    """Its copy of the JWKS, and how often it asked."""

    program: Program
    ring: KeySet = field(init=False)
    asked: int = 0

    def __post_init__(self) -> None:
        self.reload()

    def reload(self) -> None:
        answer = requests.get(self.program.oidc + "/certs", timeout=10)
        assert answer.headers["Content-Type"] == "application/json"
        document = answer.json()
        assert {key["use"] for key in document["keys"]} == {"sig"}
        self.ring, self.asked = KeySet.import_key_set(document), self.asked + 1

    def kids(self) -> set[str]:
        return {str(key.kid) for key in self.ring.keys}

    def verified(self, token: str) -> dict[str, Any]:
        """Claims under a key it knows, perhaps after one more look; a bad signature raises."""
        if kid_of(token) not in self.kids():
            self.reload()
        return dict(jwt.decode(token, self.ring, algorithms=["RS256"]).claims)


def kid_of(token: str) -> str:
    head = token.split(".", 1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def rotate(house: House) -> None:
    """As `psc keys rotate` does."""
    world = house.served.world
    lives = world.dep.settings.lifetimes
    with writing(world.engine) as db:
        keys.rotate(
            db, notice=timedelta(seconds=lives.key_notice), longest=timedelta(seconds=lives.token),
            vault=world.dep.vault, chance=world.chance, now=world.now,
        )  # fmt: skip


@pytest.fixture
def person(house: House) -> Person:
    house.import_registry(people(2))
    return house.enrol(national(1))


def test_every_token_verifies_before_while_and_after_a_new_key_signs(house: House, person: Person) -> None:
    program = house.program()
    broker = Broker(program)
    old = broker.kids()
    tokens = program.sign_in(person, nonce=NONCE, state="s", prompt="login", ui_locales="fr")
    first = tokens["id_token"]
    rotate(house)
    notice = house.served.world.dep.settings.lifetimes.key_notice
    steps = [notice // 3] * 3
    for seconds in (11, *steps[:2], steps[2] - 12):  # announced: published, and nothing is signed by it
        house.later(seconds)
        tokens = program.refresh(tokens["refresh_token"]).json()
        assert broker.verified(tokens["id_token"])["nonce"] == NONCE
        assert kid_of(tokens["id_token"]) in old
    assert broker.asked == 1
    late = Broker(program)
    assert late.kids() > old
    last_by_old = tokens["id_token"]
    house.later(12)  # its time has come
    tokens = program.refresh(tokens["refresh_token"]).json()
    assert kid_of(tokens["id_token"]) in late.kids() - old
    assert late.verified(tokens["id_token"])["nonce"] == NONCE
    assert late.asked == 1  # it was published long before its first use
    assert broker.verified(tokens["id_token"])["auth_time"] == decoded(first)["auth_time"]
    assert broker.asked == 2
    assert broker.verified(last_by_old)["nonce"] == NONCE  # the old key is published as long as its tokens live
    house.later(house.served.world.dep.settings.lifetimes.token)
    broker.reload()
    assert broker.kids() == late.kids() - old


def test_a_logout_by_a_hint_of_a_retired_key_is_still_ours(house: House, person: Person) -> None:
    program = house.program()
    hint = program.sign_in(person, nonce=NONCE)["id_token"]
    rotate(house)
    lives = house.served.world.dep.settings.lifetimes
    house.later(lives.key_notice + lives.token + 60)
    assert kid_of(hint) not in Broker(program).kids()
    state = "a/b+c=&é"
    address = {"id_token_hint": hint, "post_logout_redirect_uri": SIGNED_OUT, "state": state}
    answer = requests.get(program.oidc + "/logout?" + urlencode(address), allow_redirects=False, timeout=10)
    assert answer.headers["Location"] == f"{SIGNED_OUT}?state=" + quote(state, safe="")
