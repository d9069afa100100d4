"""Emulation 1 (psc-profile §17): whatever the discovery document advertises is driven; what it does not, refuses."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import Engine

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.endpoints.client_auth import JWT_BEARER
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.oidc.requests import session as sessions
from tests.oidc.parties import CALLBACK, CHALLENGE, VERIFIER, Cast, document, make_cast, payload
from tests.serving import Served, serving
from tests.web.test_pages import ask, follow, returned

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
STANDARD = {"profile": "standard", "scopes": ("openid", "profile", "identity", "scope_all"), "asks_consent": False}
NEVER = {
    "grant_types_supported": ["password", "client_credentials", "implicit",
                              "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
                              "urn:ietf:params:oauth:grant-type:token-exchange"],
    "response_types_supported": ["token", "id_token", "code token", "code id_token", "none"],
    "response_modes_supported": ["fragment", "jwt", "query.jwt", "form_post.jwt", "web_message"],
    "scopes_supported": ["admin", "openid2"],
    "prompt_values_supported": ["create", "login2"],
    "code_challenge_methods_supported": ["plain"],
    "token_endpoint_auth_methods_supported": ["client_secret_jwt", "tls_client_auth"],
}  # fmt: skip
UNBUILT = ("registration_endpoint", "device_authorization_endpoint", "check_session_iframe",
           "pushed_authorization_request_endpoint", "backchannel_authentication_endpoint", "mtls_endpoint_aliases",
           "dpop_signing_alg_values_supported", "frontchannel_logout_supported")  # fmt: skip


@dataclass
class House:
    """A provider, its document, and a browser of somebody who proved herself as well as anybody can."""

    served: Served
    people: Cast
    said: dict[str, Any]
    browser: requests.Session

    def ask(self, client: str, **changes: str) -> requests.Response:
        return follow(self.served, self.browser, ask(self.served, self.browser, client, **changes))

    def opens(self, client: str, **changes: str) -> str:
        return returned(self.ask(client, **changes))["code"]

    def refuses(self, client: str, **changes: str) -> str:
        return returned(self.ask(client, **changes))["error"]


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    with serving(engine) as served:
        people = make_cast(served.world)
        people.machine = served.app.extensions["psc"].machine
        address = f"{served.base}/auth/realms/esante-wallet/.well-known/"
        said = requests.get(address + "openid-configuration").json()
        yield House(served, people, said, strong(served, people))


def strong(served: Served, people: Cast) -> requests.Session:
    world = served.world
    proof = Authentication(practitioner=people.practitioner, mode=Mode.MOBILE, methods=("hwk",), level=Level.EIDAS3,
                           means="passkey:1", at=world.now)  # fmt: skip
    with writing(world.engine) as db:
        begun = sessions.begin(db, proof, former=None, device="", lifetimes=world.dep.settings.lifetimes,
                               chance=world.chance, now=world.now)  # fmt: skip
    browser = requests.Session()
    browser.cookies.set("psc-session", begun.secret, domain="localhost.local")
    return browser


def test_nothing_unbuilt_is_advertised_and_nothing_advertised_is_missing(house: House) -> None:
    assert not set(UNBUILT) & set(house.said)
    for member, values in NEVER.items():
        assert not set(values) & set(house.said[member])
    assert (house.said["request_parameter_supported"], house.said["request_uri_parameter_supported"]) == (False, False)


def test_each_response_mode_scope_level_and_prompt_works_and_no_other(house: House) -> None:
    psc = house.people.client(asks_consent=False)[0]
    standard = house.people.client(**STANDARD)[0]
    for mode in house.said["response_modes_supported"]:
        answer = house.ask(psc, response_mode=mode)
        assert 'name="code"' in answer.text if mode == "form_post" else returned(answer)["code"]
    for scope in house.said["scopes_supported"]:
        assert house.opens(psc, scope=f"openid {scope}")
        assert house.opens(standard, scope=f"openid {scope}", **PKCE)
    for kind in house.said["response_types_supported"]:
        assert house.opens(psc, response_type=kind)
    for member, name, error in (
        ("response_types_supported", "response_type", "unsupported_response_type"),
        ("response_modes_supported", "response_mode", "invalid_request"),
        ("scopes_supported", "scope", "invalid_scope"),
        ("prompt_values_supported", "prompt", "invalid_request"),
    ):
        for word in NEVER[member]:
            value = f"openid {word}" if name == "scope" else word
            assert house.refuses(psc, **{name: value}) == error
    for method in [*NEVER["code_challenge_methods_supported"], ""]:
        changes = {"code_challenge": CHALLENGE, "code_challenge_method": method}
        assert house.refuses(psc, **changes) == "invalid_request"


def test_each_level_is_reached_and_an_unknown_one_is_not(house: House) -> None:
    client = house.people.client(asks_consent=False)
    assert set(house.said["acr_values_supported"]) == {"eidas1", "eidas2", "eidas3"}
    for level in house.said["acr_values_supported"]:
        for changes in ({"acr_values": level}, {"claims": json.dumps({"id_token": {"acr": {"value": level}}})}):
            code = house.opens(client[0], **{"acr_values": ""} | changes)
            assert payload(document(house.people.redeem(client, code))["id_token"])["acr"] == level
    unknown = json.dumps({"id_token": {"acr": {"value": "eidas4", "essential": True}}})
    assert house.refuses(client[0], claims=unknown) == "unmet_authentication_requirements"


def test_each_prompt_shows_what_it_names(house: House) -> None:
    people, client = house.people, house.people.client()[0]
    scope = "openid profile scope_all identity"
    with writing(people.world.engine) as db:
        consent.remember(db, people.practitioner, client, scope, origin=SYSTEM, now=people.world.now)
    shown = {"none": "", "login": "/sign-in", "consent": "/consent", "select_account": "/sign-in"}
    assert set(house.said["prompt_values_supported"]) == set(shown)
    for prompt, page in shown.items():
        answer = house.ask(client, prompt=prompt)
        assert answer.url.endswith(page) if page else returned(answer)["code"]


def test_each_language_is_spoken(house: House) -> None:
    client = house.people.client()[0]
    for language in house.said["ui_locales_supported"]:
        browser = requests.Session()
        page = follow(house.served, browser, ask(house.served, browser, client, ui_locales=language))
        assert f'<html lang="{language}"' in page.text


def test_each_grant_works_and_no_other(house: House) -> None:
    client = house.people.client(asks_consent=False)
    form = {"authorization_code": {"code": house.opens(client[0]), "redirect_uri": CALLBACK}}
    for grant in house.said["grant_types_supported"]:
        answer = requests.post(house.said["token_endpoint"], {"grant_type": grant} | form[grant], auth=client)
        assert answer.status_code == 200
        form["refresh_token"] = {"refresh_token": answer.json()["refresh_token"]}
    for grant in NEVER["grant_types_supported"]:
        answer = requests.post(house.said["token_endpoint"], {"grant_type": grant}, auth=client)
        assert answer.json()["error"] == "unsupported_grant_type"


def registered(house: House, method: str, algorithm: str = "ES256") -> tuple[str, dict[str, Any]]:
    """A client of that method; and how a request shows it, by a function of a number that makes it fresh."""
    key: Any = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
    wish: dict[str, Any] = {**STANDARD, "token_endpoint_auth_method": method}
    if method == "private_key_jwt":
        wish["jwks"] = {"keys": [key.as_dict(private=False)]}
    name, secret = house.people.client(**wish)
    if method == "client_secret_basic":
        return name, {"auth": (name, secret)}
    if method == "client_secret_post":
        return name, {"data": {"client_id": name, "client_secret": secret}}
    if method == "none":
        return name, {"data": {"client_id": name}}
    now = int(house.served.world.now.timestamp())
    claims = {"iss": name, "sub": name, "aud": house.said["issuer"], "iat": now, "exp": now + 60,
              "jti": house.served.world.chance.uuid()}  # fmt: skip
    signed = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
    return name, {"data": {"client_assertion": signed, "client_assertion_type": JWT_BEARER}}


@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_each_way_to_prove_a_client_works_at_the_endpoint_that_names_it(house: House, endpoint: str) -> None:
    methods = house.said[f"{endpoint}_endpoint_auth_methods_supported"]
    algorithms = house.said[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    ways = [(method, "ES256") for method in methods if method != "private_key_jwt"]
    for method, algorithm in [*ways, *(("private_key_jwt", algorithm) for algorithm in algorithms)]:
        name, shown = registered(house, method, algorithm)
        form = {"token": "x"}
        if endpoint == "token":
            form = {"grant_type": "authorization_code", "code": house.opens(name, scope="openid", **PKCE),
                    "redirect_uri": CALLBACK, "code_verifier": VERIFIER}  # fmt: skip
        answer = requests.post(house.said[f"{endpoint}_endpoint"], form | shown.get("data", {}), auth=shown.get("auth"))
        assert answer.status_code == 200, (method, algorithm, answer.text)
    if "none" not in methods:
        name, shown = registered(house, "none")
        answer = requests.post(house.said[f"{endpoint}_endpoint"], {"token": "x"} | shown["data"])
        assert answer.status_code == 401


def test_each_algorithm_signs_id_tokens_that_the_published_keys_verify(house: House) -> None:
    ring = KeySet.import_key_set(requests.get(house.said["jwks_uri"]).json())
    for algorithm in house.said["id_token_signing_alg_values_supported"]:
        client = house.people.client(**STANDARD, algorithm=algorithm)
        code = house.opens(client[0], scope="openid profile", **PKCE)
        tokens = document(house.people.redeem_basic(client, code, code_verifier=VERIFIER))
        read = jwt.decode(tokens["id_token"], ring, algorithms=[algorithm])
        assert (read.header["alg"], read.claims["iss"]) == (algorithm, house.said["issuer"])


def test_each_claim_named_is_told_by_somebody_and_no_other(house: House) -> None:
    told: set[str] = set()
    for wish, changes in (({"asks_consent": False}, {}), (STANDARD, PKCE)):
        client = house.people.client(**wish)
        scope = {"scope": "openid profile identity scope_all"}
        code = house.opens(client[0], **scope, **changes)
        verifier = {"code_verifier": VERIFIER} if changes else {}
        tokens = document(house.people.redeem_basic(client, code, **verifier))
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told |= set(payload(tokens["id_token"])) | set(
            requests.get(house.said["userinfo_endpoint"], headers=bearer).json()
        )
    # `codeCivilite` is at the root for a person without exercice (§5.2); the rest is plumbing of the session.
    assert set(house.said["claims_supported"]) - told <= {"codeCivilite"}
    assert told - set(house.said["claims_supported"]) <= {"session_state"}
