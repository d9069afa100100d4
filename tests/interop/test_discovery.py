"""Discovery says what works and nothing else: every advertised value is driven, its absent neighbours are refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import Engine

from pro_sante_connect.settings import Outbound, Policy, Settings
from pro_sante_connect.signals.delivery import deliver_due
from pro_sante_connect.signals.post import Post
from pro_sante_connect.signals.transport import BoxTransport
from tests.interop.advertised import DRIVEN, PKCE, VERIFIER, WORKS, Tried
from tests.interop.client import decoded
from tests.interop.house import House
from tests.interop.registry_of_shapes import BARE
from tests.receivers import Receiver, receiving
from tests.serving import serving
from tests.stores import empty


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def tried(engines: dict[str, Engine], tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Tried]:
    # Whether a passkey is worth eidas3 is the deployment's decision: here it is, so that all levels can be met.
    policy, outbound = Policy(device_bound_level="eidas3"), Outbound(exempt=(receiver.place,))
    settings = replace(Settings(), policy=policy, outbound=outbound)
    with serving(engines["sqlite"], settings) as served:
        yield Tried(House(served, Path(tmp_path_factory.mktemp("registry"))))
    empty(engines["sqlite"])


@pytest.mark.parametrize("member", DRIVEN)
def test_what_is_advertised_works_and_what_is_absent_does_not(tried: Tried, member: str) -> None:
    drive, absent, refusal = DRIVEN[member]
    advertised = tried.document()[member]
    assert advertised
    assert not set(absent) & set(advertised)
    assert {value: drive(tried, value) for value in advertised} == dict.fromkeys(advertised, WORKS)
    assert {value: drive(tried, value) for value in absent} == dict.fromkeys(absent, refusal)


ENDPOINTS = {
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "introspection_endpoint",
    "revocation_endpoint", "end_session_endpoint",
}  # fmt: skip
FLAGS = {
    "claims_parameter_supported": True, "request_parameter_supported": False,
    "request_uri_parameter_supported": False, "authorization_response_iss_parameter_supported": True,
    "claim_types_supported": ["normal"], "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
}  # fmt: skip
# What Nimbus's parser refuses to be without.
NIMBUS = {
    "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
    "subject_types_supported", "id_token_signing_alg_values_supported",
}  # fmt: skip
UNBUILT = (
    "/auth/device", "/login-status-iframe.html", "/ext/par/request", "/ext/ciba/auth", "/clients-registrations",
)  # fmt: skip


def test_both_names_have_one_text_and_no_member_is_without_its_drive(tried: Tried) -> None:
    base = f"{tried.house.card['issuer']}/.well-known/"
    one, other = (requests.get(base + name, timeout=10) for name in
                  ("openid-configuration", "wallet-openid-configuration"))  # fmt: skip
    assert one.content == other.content
    document = one.json()
    assert set(document) >= NIMBUS
    assert set(document) == {"issuer", "claims_supported", *ENDPOINTS, *FLAGS, *DRIVEN}
    assert document["issuer"] == tried.house.card["issuer"]
    assert {name: document[name] for name in FLAGS} == FLAGS


def test_endpoints_that_are_told_exist_and_others_do_not(tried: Tried) -> None:
    document = tried.document()
    for name in ENDPOINTS:
        assert requests.options(document[name], timeout=10).status_code != 404, name
    oidc = document["token_endpoint"].removesuffix("/token")
    for path in UNBUILT:
        assert path not in str(document)
        assert requests.get(oidc + path, timeout=10).status_code == 404


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_back_channel_logout_is_told_with_the_session_that_ended(
    tried: Tried, receiver: Receiver, algorithm: str
) -> None:
    """Advertised as supported, by session: a client of each signature signs in, leaves, and is told of that one."""
    program = tried.program(backchannel_logout_uri=receiver.url(f"out/{algorithm}"), algorithm=algorithm)
    gone, kept = (decoded(tried.tokens(program)["id_token"]), decoded(tried.tokens(tried.program())["id_token"]))
    hint = {"id_token_hint": tried.tokens(program)["id_token"]}
    assert requests.get(tried.document()["end_session_endpoint"], hint, timeout=10).status_code == 200
    dep = tried.house.served.world.dep
    while deliver_due(dep, BoxTransport(dep.engine)):
        pass
    post = Post(dep)
    while post.round():
        post.wait(5)
    post.close()
    [token] = receiver.tokens(f"out/{algorithm}")
    ring = KeySet.import_key_set(requests.get(tried.document()["jwks_uri"], timeout=10).json())
    told = jwt.decode(token, ring, algorithms=[algorithm]).claims
    assert {name: told[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: gone[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert told["sid"] != kept["sid"]


@pytest.mark.parametrize(
    ("parameter", "error"),
    [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")],
)
def test_request_objects_are_not_read(tried: Tried, parameter: str, error: str) -> None:
    assert tried.heard(tried.program(), **{parameter: "https://dossier.example/r"})["error"] == error


def test_every_answer_names_its_issuer(tried: Tried) -> None:
    issuer = tried.document()["issuer"]
    for asked in ({}, {"prompt": "none"}, {"scope": "admin"}, {"response_type": "token"}):
        program = tried.program()
        heard = program.authorize(program.query(**asked), None if asked else tried.person)
        assert heard["iss"] == issuer


def test_every_claim_that_is_told_is_given_to_somebody_and_no_other(tried: Tried) -> None:
    given: set[str] = set()
    bare = tried.house.enrol(BARE)
    for person in (tried.person, bare):
        for profile in ("psc", "standard"):
            program = tried.program(profile=profile)
            asked = program.query(nonce="n", scope="openid profile identity scope_all", **PKCE)
            code = program.authorize(asked, person)["code"]
            tokens = program.redeem(code, code_verifier=VERIFIER).json()
            given |= set(program.userinfo(tokens["access_token"]).json()) | set(decoded(tokens["id_token"]))
    told = set(tried.document()["claims_supported"])
    assert told - given == set()
    assert given - told == {"session_state"}  # the real service's second name for `sid`
