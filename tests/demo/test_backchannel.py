"""What the demo service takes for a logout token."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from pro_sante_connect.demo.backchannel import EVENT, REMEMBERED, LogoutTokens, NotForUs

ISSUER = "https://op.example"
KEY, STRANGER = (ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256"}) for _ in range(2))
LATER = ECKey.generate_key("P-256", {"kid": "later", "alg": "ES256"})


class House:
    """Fetched keys are counted."""

    def __init__(self) -> None:
        self.fetched: list[bool] = []
        self.tokens = LogoutTokens(issuer=lambda: ISSUER, client_id="agenda", keys=self.keys)

    def keys(self, fresh: bool) -> dict[str, Any]:
        self.fetched.append(fresh)
        return dict(KeySet([KEY, LATER] if fresh else [KEY]).as_dict(private=False))


def token(key: Any = KEY, typ: str | None = "logout+jwt", alg: str = "ES256", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": "agenda", "iat": now, "exp": now + 120, "jti": "j", "sub": "s", "sid": "sid-1",
        "events": {EVENT: {}},
    } | changes  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": alg, "kid": getattr(key, "kid", None) or "k"} | ({"typ": typ} if typ else {})
    return jwt.encode(header, kept, key, algorithms=[alg])


def test_a_good_token_names_its_session_and_counts_once() -> None:
    house = House()
    assert house.tokens.read(token()) == "sid-1"
    assert house.tokens.read(token()) is None
    assert house.tokens.read(token(jti="k", aud=["agenda", "other"])) == "sid-1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://evil.example"}, "iss"), ({"aud": "other"}, "aud"), ({"aud": None}, "aud"),
        ({"iat": None}, "iat"), ({"iat": 4_000_000_000}, "iat"), ({"exp": 1}, "exp"), ({"exp": "soon"}, "exp"),
        ({"events": None}, "events"), ({"events": {}}, "events"), ({"events": {EVENT: "x"}}, "events"),
        ({"sid": None}, "sid"), ({"sid": 3}, "sid"), ({"jti": None}, "jti"), ({"nonce": "n"}, "nonce"),
        ({"key": STRANGER}, "signature"), ({"typ": "JWT"}, "typ"), ({"typ": None}, "typ"),
        ({"key": OctKey.import_key("x" * 32), "alg": "HS256"}, "signature"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(changes: dict[str, Any], why: str) -> None:
    house = House()
    with pytest.raises(NotForUs, match=why):
        house.tokens.read(token(**changes))
    assert house.tokens.read(token()) == "sid-1"  # a refused token is not remembered


def test_keys_are_fetched_again_for_a_key_unknown_and_for_nothing_else() -> None:
    house = House()
    assert house.tokens.read(token(LATER)) == "sid-1"
    assert house.fetched == [False, True]
    with pytest.raises(NotForUs):
        house.tokens.read("nonsense")
    with pytest.raises(NotForUs):
        house.tokens.read(token(STRANGER))
    assert house.fetched == [False, True, False, False]


def test_the_memory_of_tokens_is_bounded() -> None:
    house = House()
    for number in range(REMEMBERED + 1):
        assert house.tokens._first(str(number))
    assert len(house.tokens._seen) == REMEMBERED
    assert house.tokens._first("0")
