"""Client authentication: secrets and assertions that are wrong, doubled, replayed or point elsewhere."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from pro_sante_connect.oidc.endpoints.client_auth import JWT_BEARER
from tests.abuse.forgeries import b64
from tests.oidc.parties import Cast
from tests.serving import Served

ENDPOINTS = ("/token", "/token/introspect", "/revoke")
ASKED = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
SIGNER = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
STRANGER = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})


def proven(answer: requests.Response) -> bool:
    """Whether the client was taken for itself; a refusal is always the same 401."""
    if answer.status_code == 401:
        assert answer.json()["error"] == "invalid_client"
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        return False
    assert (answer.status_code, answer.json().get("error", "invalid_grant")) in (
        (200, "invalid_grant"), (400, "invalid_grant"),
    )  # fmt: skip
    return True


def basic(user: bytes, password: bytes) -> dict[str, Any]:
    return {"headers": {"Authorization": b"Basic " + base64.b64encode(user + b":" + password)}}


def ways(client: tuple[str, str]) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    """Wrong ways to say who one is."""
    name, secret = client
    user = name.encode()
    return {
        "AB-CA-01 wrong": ({}, basic(user, b"wrong")), "AB-CA-01 empty": ({}, basic(user, b"")),
        "AB-CA-01 missing": ({"client_id": name}, {}), "AB-CA-01 empty in the body": (
            {"client_id": name, "client_secret": ""}, {}),
        "AB-CA-04 header": ({}, basic(user, "é€".encode())), "AB-CA-04 broken": ({}, basic(user, b"\xff\xfe")),
        "AB-CA-04 body": ({"client_id": name, "client_secret": "é€"}, {}),
        "AB-CA-05 body": ({"client_id": name, "client_secret": "x" * 16_000}, {}),
        "AB-CA-06 longer": ({"client_id": name, "client_secret": secret + "x" * 72}, {}),
        "AB-CA-06 cut": ({"client_id": name, "client_secret": secret[:-1]}, {}),
        "AB-CA-07 two secrets": ({"client_secret": "other"}, basic(user, secret.encode())),
        "AB-CA-07 two clients": ({"client_id": "other"}, basic(user, secret.encode())),
        "AB-CA-07 and an assertion": (
            {"client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER}, basic(user, secret.encode())),
        "AB-CA-08 assertion": ({"client_assertion": assertion(name), "client_assertion_type": JWT_BEARER}, {}),
        "AB-CA-22 header": ({"client_id": name}, {"headers": {"X-Client-Cert": "x", "X-SSL-Client-S-DN": "CN=x",
                                                              "X-SSL-Client-Verify": "SUCCESS"}}),
        "bearer": ({"client_id": name}, {"headers": {"Authorization": f"Bearer {secret}"}}),
        "by case": ({"client_id": name.swapcase(), "client_secret": secret}, {}),
        "of nobody": ({"client_id": "nobody", "client_secret": secret}, {}),
        "SQL": ({"client_id": "' OR 1=1 --", "client_secret": secret}, {}),
    }  # fmt: skip


def assertion(client: str, key: Any = SIGNER, *, head: dict[str, Any] | None = None, **claims: Any) -> str:
    body = {"iss": client, "sub": client, "aud": "https://elsewhere.example", "jti": "j"} | claims
    return jwt.encode({"alg": "ES256", "kid": "k1"} | (head or {}), body, key)


WAYS = ways(("app", "s" * 43))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("row", WAYS)
def test_ab_ca_01_who_is_not_proven_is_refused_everywhere_alike(
    served: Served, people: Cast, row: str, path: str
) -> None:
    client = people.client()
    fields, options = ways(client)[row]
    assert not proven(requests.post(served.oidc + path, ASKED | fields, **options))
    assert proven(requests.post(served.oidc + path, ASKED, auth=client))


@pytest.mark.parametrize("path", ENDPOINTS)
def test_ab_us_12_nobody_is_nobody(served: Served, path: str) -> None:
    assert not proven(requests.post(served.oidc + path, ASKED))


def test_ab_us_12_a_public_client_may_not_look_into_tokens(served: Served, people: Cast) -> None:
    public = people.client(profile="standard", scopes=("openid",), token_endpoint_auth_method="none")
    asked = {"client_id": public[0], "token": "x"}
    assert not proven(requests.post(served.oidc + "/token/introspect", asked))
    assert requests.post(served.oidc + "/revoke", asked).status_code == 200


def signing(people: Cast, *keys: Any) -> str:
    """A client that signs its assertions with one of these keys."""
    public = [key.as_dict(private=False) for key in keys or (SIGNER,)]
    wish = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": public}}
    return people.client(profile="standard", scopes=("openid",), **wish)[0]


def claims_of(served: Served, jti: str) -> dict[str, Any]:
    now = int(served.world.now.timestamp())
    audience = f"{served.base}/auth/realms/esante-wallet"
    return {"aud": audience, "iat": now, "exp": now + 60, "jti": jti}


def shown(served: Served, text: str, path: str = "/token") -> bool:
    form = ASKED | {"client_assertion": text, "client_assertion_type": JWT_BEARER}
    return proven(requests.post(served.oidc + path, form))


@pytest.mark.parametrize("first", ENDPOINTS)
def test_ab_ca_10_an_assertion_opens_one_endpoint_once(served: Served, people: Cast, first: str) -> None:
    client = signing(people)
    text = assertion(client, **claims_of(served, "once"))
    assert shown(served, text, first)
    assert not any(shown(served, text, path) for path in ENDPOINTS)


def test_ab_ca_10_of_many_hands_with_one_assertion_one_is_served(served: Served, people: Cast) -> None:
    client = signing(people)
    text = assertion(client, **claims_of(served, "many"))
    with ThreadPoolExecutor(10) as hands:
        assert sum(hands.map(lambda path: shown(served, text, path), ENDPOINTS * 4)) == 1


FAULTS: dict[str, dict[str, Any]] = {
    "AB-CA-11 ten years": {"exp": 315_360_000}, "AB-CA-11 old": {"iat": -3600, "exp": 60},
    "AB-CA-12 elsewhere": {"aud": "https://evil.test"}, "AB-CA-12 also elsewhere": {"aud": ["own", "https://evil.test"]},
    "AB-CA-12 nobody": {"aud": []}, "AB-CA-12 none": {"aud": None}, "AB-CA-12 object": {"aud": {"own": 1}},
    "AB-CA-12 nearly": {"aud": "own/"}, "AB-CA-13 issuer": {"iss": "other"}, "AB-CA-13 no issuer": {"iss": None},
    "AB-CA-13 subject": {"sub": "other"}, "AB-CA-14 no exp": {"exp": None}, "AB-CA-14 no jti": {"jti": None},
    "AB-CA-14 past": {"exp": -11}, "AB-CA-14 future": {"iat": 61, "exp": 120}, "AB-CA-14 not yet": {"nbf": 61},
    "AB-CA-14 text": {"exp": "soon"}, "AB-CA-14 truth": {"exp": True}, "AB-CA-14 long jti": {"jti": "j" * 201},
    "AB-CA-14 list jti": {"jti": ["j"]},
}  # fmt: skip
TIMES = ("exp", "iat", "nbf")


@pytest.mark.parametrize("row", FAULTS)
def test_ab_ca_11_to_14_an_assertion_says_the_right_things_or_nothing(served: Served, people: Cast, row: str) -> None:
    client, now = signing(people), int(served.world.now.timestamp())
    good = claims_of(served, row)
    bent: dict[str, Any] = {"iss": client, "sub": client} | good
    for name, value in FAULTS[row].items():
        moment = name in TIMES and isinstance(value, int) and value is not True
        bent[name] = now + value if moment else _own(value, good["aud"]) if name == "aud" else value
    present = {name: value for name, value in bent.items() if value is not None}
    text = jwt.encode({"alg": "ES256", "kid": "k1"}, present, SIGNER)
    assert not shown(served, text)
    skewed = claims_of(served, row + " twin") | {"iat": now + 10, "nbf": now + 10}
    assert shown(served, assertion(client, **skewed))


def _own(value: Any, own: str) -> Any:
    """`own` in a row stands for our issuer."""
    if isinstance(value, str):
        return value.replace("own", own) if value.startswith("own") else value
    return [_own(one, own) for one in value] if isinstance(value, list) else value


HEADERS: dict[str, dict[str, Any]] = {
    "AB-CA-16 path": {"kid": "../../x"}, "AB-CA-16 SQL": {"kid": "' OR 1=1 --"}, "AB-CA-16 long": {"kid": "k" * 5000},
    "AB-CA-16 null": {"kid": "\0"}, "AB-CA-17 jwk": {"jwk": STRANGER.as_dict(private=False)},
    "AB-CA-17 jku": {"jku": "LISTENER"}, "AB-CA-17 x5u": {"x5u": "LISTENER"}, "AB-CA-17 same kid": {},
}  # fmt: skip


@pytest.mark.parametrize("row", HEADERS)
def test_ab_ca_16_17_a_key_is_the_registered_one_and_is_never_fetched(served: Served, people: Cast, row: str) -> None:
    client = signing(people)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        head = {name: place if value == "LISTENER" else value for name, value in HEADERS[row].items()}
        assert not shown(served, assertion(client, STRANGER, head=head, **claims_of(served, row)))
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert shown(served, assertion(client, **claims_of(served, row)))


def test_ab_ca_16_a_key_of_another_client_is_not_its_own(served: Served, people: Cast) -> None:
    mine, theirs = signing(people), signing(people, STRANGER)
    assert not shown(served, assertion(mine, STRANGER, **claims_of(served, "x")))
    assert shown(served, assertion(theirs, STRANGER, **claims_of(served, "y")))


def test_ab_ca_17_no_algorithm_but_the_advertised_ones(served: Served, people: Cast) -> None:
    client, claims = signing(people), {}
    claims = {"iss": client, "sub": client} | claims_of(served, "z")
    public = SIGNER.as_dict(private=False)
    for word in ("none", "NONE", ""):
        assert not shown(served, b64({"alg": word, "kid": "k1"}) + "." + b64(claims) + ".")
    by_text = OctKey.import_key(public["x"])
    assert not shown(served, jwt.encode({"alg": "HS256", "kid": "k1"}, claims, by_text))
    by_rsa = RSAKey.generate_key(2048)
    assert not shown(served, jwt.encode({"alg": "RS256", "kid": "k1"}, claims, by_rsa))
    for kind in ("urn:ietf:params:oauth:client-assertion-type:saml2-bearer", ""):
        form = ASKED | {"client_assertion": assertion(client, **claims_of(served, "t")), "client_assertion_type": kind}
        assert not proven(requests.post(served.oidc + "/token", form))


def test_ab_ca_08_a_client_that_signs_is_not_opened_by_a_secret(served: Served, people: Cast) -> None:
    client = signing(people)
    for secret in ("", "x"):
        assert not proven(requests.post(served.oidc + "/token", ASKED, auth=(client, secret)))
        assert not proven(requests.post(served.oidc + "/token", ASKED | {"client_id": client, "client_secret": secret}))
    both = ASKED | {
        "client_assertion": assertion(client, **claims_of(served, "b")),
        "client_assertion_type": JWT_BEARER,
    }
    assert not proven(requests.post(served.oidc + "/token", both, auth=(client, "x")))
