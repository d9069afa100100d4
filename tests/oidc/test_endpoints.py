"""Client authentication, userinfo, introspection, revocation, discovery, keys: framework-free."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import select

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.endpoints import discovery
from pro_sante_connect.oidc.endpoints.http import MachineRequest
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.logout import judge as judge_logout
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from pro_sante_connect.oidc.models import Client, SigningKey
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.settings import Issuer, Policy
from tests.oidc.parties import CALLBACK, CHALLENGE, NATIONAL_ID, VERIFIER, Cast, document, payload
from tests.world import World

GARBAGE = {"grant_type": "refresh_token", "refresh_token": "x"}
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def error(cast: Cast, fields: dict[str, str], **request: Any) -> tuple[int, str]:
    answer = cast.post(token, GARBAGE | fields, **request)
    return answer.status, document(answer)["error"]


AUTHENTICATED, REFUSED = (400, "invalid_grant"), (401, "invalid_client")


def test_psc_takes_the_secret_by_header_body_or_both_when_equal(cast: Cast) -> None:
    name, secret = cast.client()
    body = {"client_id": name, "client_secret": secret}
    assert error(cast, {}, authorization=basic(name, secret)) == AUTHENTICATED
    assert error(cast, body) == AUTHENTICATED
    assert error(cast, body, authorization=basic(name, secret)) == AUTHENTICATED
    assert error(cast, body | {"client_secret": "other"}, authorization=basic(name, secret)) == REFUSED
    assert error(cast, {"client_id": "other"}, authorization=basic(name, secret)) == REFUSED


def test_standard_takes_the_registered_method_only(cast: Cast) -> None:
    name, secret = cast.client(profile="standard")
    body = {"client_id": name, "client_secret": secret}
    assert error(cast, {}, authorization=basic(name, secret)) == AUTHENTICATED
    assert error(cast, body) == REFUSED
    assert error(cast, body, authorization=basic(name, secret)) == REFUSED


@pytest.mark.parametrize("secret", ["", "wrong", "é€", "x" * 600])
def test_a_wrong_secret_of_any_kind_is_one_answer(cast: Cast, secret: str) -> None:
    name, _ = cast.client()
    answer = cast.post(token, GARBAGE | {"client_id": name, "client_secret": secret})
    assert (answer.status, document(answer)["error"]) == REFUSED
    assert "WWW-Authenticate" in dict(answer.headers)


@pytest.mark.parametrize("header", ["Basic", "Basic é", "Basic ====", "Basic " + base64.b64encode(b"nocolon").decode()])
def test_a_malformed_basic_header_is_a_401(cast: Cast, header: str) -> None:
    assert error(cast, {}, authorization=header) == REFUSED


def test_nobody_is_nobody(cast: Cast) -> None:
    assert error(cast, {}) == REFUSED
    assert error(cast, {"client_id": "nobody", "client_secret": "x"}) == REFUSED
    assert error(cast, {"client_id": "n" * 300, "client_secret": "x"}) == REFUSED


def test_guessing_is_slowed_without_locking_the_client(cast: Cast) -> None:
    name, secret = cast.client()
    wrong = {"client_id": name, "client_secret": "wrong"}
    answers = [error(cast, wrong, address="203.0.113.5")[0] for _ in range(32)]
    assert answers[:30] == [401] * 30
    assert answers[30:] == [429, 429]
    assert error(cast, wrong, address="203.0.113.6")[0] == 401
    right = {"client_id": name, "client_secret": secret}
    assert error(cast, right, address="203.0.113.5")[0] == 429  # a guess is not even looked at
    assert error(cast, right, address="203.0.113.6") == AUTHENTICATED
    cast.world.clock.advance(61)
    assert error(cast, right, address="203.0.113.5") == AUTHENTICATED


def test_guesses_by_basic_are_counted_per_client_and_network(cast: Cast) -> None:
    (name, secret), other = cast.client(), cast.client()
    for number in range(31):
        error(cast, {}, authorization=basic(name, "wrong"), address=f"2001:db8::{number:x}")
    assert error(cast, {}, authorization=basic(name, secret), address="2001:db8::ffff")[0] == 429
    assert error(cast, {}, authorization=basic(*other), address="2001:db8::ffff") == AUTHENTICATED
    assert error(cast, {}, authorization=basic(name, secret), address="2001:db8:0:1::1") == AUTHENTICATED


def test_two_secrets_live_during_a_rotation_and_no_third(cast: Cast) -> None:
    name, first = cast.client()
    for expected in (True, True, False):
        assert (error(cast, {"client_id": name, "client_secret": first}) == AUTHENTICATED) is expected
        with writing(cast.world.engine) as db:
            client = db.get_one(Client, name)
            newest = registration.new_secret(db, client, origin=SYSTEM, chance=cast.world.chance, now=cast.world.now)
        assert error(cast, {"client_id": name, "client_secret": newest}) == AUTHENTICATED  # at once
        cast.world.clock.advance(6)


def rotate_secret(cast: Cast, name: str) -> None:
    with writing(cast.world.engine) as db:
        registration.new_secret(
            db, db.get_one(Client, name), origin=SYSTEM, chance=cast.world.chance, now=cast.world.now
        )


def test_a_withdrawn_secret_opens_nothing_from_the_commit_on(cast: Cast) -> None:
    name, first = cast.client()
    sid = cast.sign_in()
    held = cast.tokens((name, first), sid)
    for _ in range(2):
        rotate_secret(cast, name)
    assert cast.redeem((name, first), cast.code(name, sid)).status == 401
    assert cast.refresh((name, first), held["refresh_token"]).status == 401
    for endpoint in (introspect, revoke):
        form = {"client_id": name, "client_secret": first, "token": held["access_token"]}
        assert cast.post(endpoint, form).status == 401


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x7f"])
def test_an_id_no_client_can_have_is_a_401(cast: Cast, name: str) -> None:
    assert error(cast, {}, authorization=basic(name, "x")) == REFUSED


def test_a_public_client_has_pkce_and_nothing_else(cast: Cast) -> None:
    name, secret = cast.client(profile="standard", token_endpoint_auth_method="none")
    assert secret == ""
    code = cast.code(name, cast.sign_in(), scope="openid", **PKCE)
    form = {
        "grant_type": "authorization_code", "code": code, "client_id": name, "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    assert error(cast, {"client_id": name, "client_secret": "x"}) == REFUSED
    assert cast.post(token, form).status == 200
    assert cast.post(introspect, {"token": "x", "client_id": name}).status == 401


@pytest.fixture
def signer(cast: Cast) -> tuple[str, ECKey]:
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    public = KeySet([key]).as_dict(private=False)
    wish = {"profile": "standard", "token_endpoint_auth_method": "private_key_jwt", "jwks": public}
    return cast.client(**wish)[0], key


def assertion(cast: Cast, name: str, key: Any, header: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    now = int(cast.world.now.timestamp())
    claims = {
        "iss": name, "sub": name, "aud": cast.world.dep.settings.issuer.issuer, "jti": cast.world.chance.token(9),
        "iat": now, "exp": now + 60,
    } | changes  # fmt: skip
    claims = {claim: value for claim, value in claims.items() if value is not None}
    algorithm = (header or {}).get("alg", "ES256")
    value = jwt.encode({"alg": algorithm, "kid": "k1"} | (header or {}), claims, key, algorithms=[algorithm])
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion": value, "client_assertion_type": kind}


def test_an_assertion_opens_once(cast: Cast, signer: tuple[str, ECKey]) -> None:
    sent = assertion(cast, *signer)
    assert error(cast, sent) == AUTHENTICATED
    assert error(cast, sent) == REFUSED
    assert error(cast, assertion(cast, *signer, iat=None)) == AUTHENTICATED
    ahead = int(cast.world.now.timestamp()) + 10
    assert error(cast, assertion(cast, *signer, iat=ahead, nbf=ahead)) == AUTHENTICATED


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"}, {"aud": ["https://other.example"]}, {"aud": None}, {"iss": "other"},
        {"exp": None}, {"exp": "soon"}, {"exp": 1}, {"exp": 99999999999}, {"iat": 99999999999}, {"nbf": 99999999999},
        {"exp": float("nan")}, {"iat": float("nan"), "exp": 1e300}, {"exp": float("inf")},
        {"jti": None}, {"jti": ""}, {"jti": "j" * 300}, {"sub": None},
    ],
)  # fmt: skip
def test_a_faulty_assertion_is_refused(cast: Cast, signer: tuple[str, ECKey], changes: dict[str, Any]) -> None:
    assert error(cast, assertion(cast, *signer, **changes)) == REFUSED


def test_only_the_registered_key_and_algorithm_count(cast: Cast, signer: tuple[str, ECKey]) -> None:
    name, key = signer
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    assert error(cast, assertion(cast, name, other)) == REFUSED
    assert error(cast, assertion(cast, name, key, {"kid": "../../x"})) == REFUSED
    rsa = RSAKey.generate_key(2048, {"kid": "k1"})
    assert error(cast, assertion(cast, name, rsa, {"alg": "RS512"})) == REFUSED
    assert error(cast, {"client_id": name, "client_secret": "x"}) == REFUSED
    sent = assertion(cast, name, key)
    for broken in ("x", "a.b.c", "a.e30.c", "é.é.é"):
        assert error(cast, sent | {"client_assertion": broken}) == REFUSED
    assert error(cast, sent | {"client_assertion_type": "magic"}) == REFUSED
    with_secret = cast.client()
    assert error(cast, {"client_id": with_secret[0]} | assertion(cast, with_secret[0], key)) == REFUSED


def test_userinfo_has_psc_members_in_order(cast: Cast) -> None:
    claims = document(cast.userinfo(cast.tokens(cast.client(), cast.sign_in())["access_token"]))
    assert list(claims) == [
        "Secteur_Activite", "sub", "SubjectOrganization", "Mode_Acces_Raison", "preferred_username", "given_name",
        "Acces_Regulation_Medicale", "UITVersion", "authMode", "Palier_Authentification", "SubjectRefPro",
        "SubjectOrganizationID", "SubjectRole", "PSI_Locale", "otherIds", "SubjectNameID", "family_name",
    ]  # fmt: skip
    assert claims["Secteur_Activite"] == "SA07^1.2.250.1.71.4.2.4"
    assert claims["SubjectRole"] == ["10^1.2.250.1.213.1.1.5.5"]
    (exercice,) = claims["SubjectRefPro"]["exercices"]
    assert (exercice["codeTypeSavoirFaire"], exercice["codeSavoirFaire"]) == ("S", "SM26")
    assert [len(activity) for activity in exercice["activities"]] == [30, 30]
    assert all(isinstance(leaf, str) for activity in exercice["activities"] for leaf in activity.values())
    assert claims["SubjectOrganization"] == exercice["activities"][0]["raisonSocialeSite"]


@pytest.mark.parametrize(
    ("scope", "named"),
    [("openid", False), ("openid identity", False), ("openid profile", True), ("openid scope_all", True)],
)
def test_names_stand_in_a_psc_id_token_when_the_scope_says_so(cast: Cast, scope: str, named: bool) -> None:
    identity = payload(cast.tokens(cast.client(), cast.sign_in(), scope=scope)["id_token"])
    assert (identity["SubjectNameID"], identity["preferred_username"]) == (NATIONAL_ID, NATIONAL_ID)
    assert {"given_name", "family_name"} & set(identity) == ({"given_name", "family_name"} if named else set())


def test_the_scope_governs_what_userinfo_says(cast: Cast) -> None:
    client = cast.client()
    bare = cast.tokens(client, cast.sign_in(), scope="openid")["access_token"]
    assert list(document(cast.userinfo(bare))) == ["sub", "preferred_username", "SubjectNameID"]
    named = cast.tokens(client, cast.sign_in(), scope="openid profile")["access_token"]
    assert document(cast.userinfo(named))["given_name"] == "CHLOE"


def test_standard_userinfo_is_cut_to_the_chosen_activity(cast: Cast) -> None:
    client = cast.client(profile="standard", token_endpoint_auth_method="client_secret_post", algorithm="ES256")
    sid = cast.sign_in()
    for scope, expected in (
        ("openid profile", {"sub", "name", "given_name", "family_name", "preferred_username"}),
        ("openid identity", {"sub", "SubjectNameID", "otherIds"}),
    ):
        code = cast.code(client[0], sid, scope=scope, **PKCE)
        tokens = document(cast.redeem(client, code, code_verifier=VERIFIER))
        assert set(document(cast.userinfo(tokens["access_token"]))) == expected
    code = cast.code(client[0], sid, scope="openid scope_all", activite=cast.activites[1], **PKCE)
    tokens = document(cast.redeem(client, code, code_verifier=VERIFIER))
    claims = document(cast.userinfo(tokens["access_token"]))
    (only,) = claims["SubjectRefPro"]["exercices"][0]["activities"]
    assert only["raisonSocialeSite"] == "CLINIQUE / DE LA LANTERNE"
    access = payload(tokens["access_token"])
    assert access["aud"] == access["iss"]
    assert (access["client_id"], payload(tokens["id_token"])["aud"]) == (client[0], client[0])
    header = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[0] + "=="))
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")


def test_older_shapes_of_userinfo_can_be_asked_for(cast: Cast) -> None:
    access = cast.tokens(cast.client(), cast.sign_in())["access_token"]
    request = MachineRequest(method="GET", authorization=f"Bearer {access}")
    old, mid, root = (document(userinfo(cast.machine, request, shape=name)) for name in ("2021", "2022", "2023-root"))
    assert old["email_verified"] is False
    assert "otherIds" not in old
    assert "otherIds" in mid
    assert root["codeCivilite"] == "MME"
    assert "codeGenreActivite" not in root["SubjectRefPro"]["exercices"][0]["activities"][0]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic x", "Bearer a b", "Bearer x.y.z", "Bearer é", "Bearer " + "x" * 9000]
)
def test_userinfo_without_a_good_token_is_a_401(cast: Cast, header: str) -> None:
    answer = userinfo(cast.machine, MachineRequest(method="GET", authorization=header))
    assert answer.status == 401
    assert dict(answer.headers)["WWW-Authenticate"].startswith("Bearer")


def test_only_an_access_token_is_a_bearer(cast: Cast) -> None:
    tokens = cast.tokens(cast.client(), cast.sign_in())
    for name in ("id_token", "refresh_token"):
        assert cast.userinfo(tokens[name]).status == 401
    good = tokens["access_token"]
    for forged in (good[:-1], good + "A", good[:-9], ".".join(["e30", *good.split(".")[1:]])):
        assert cast.userinfo(forged).status == 401
    cast.world.clock.advance(119)
    assert cast.userinfo(good).status == 200
    cast.world.clock.advance(1)
    assert cast.userinfo(good).status == 401


def test_introspection_shows_own_tokens_and_nothing_of_others(cast: Cast) -> None:
    owner, other, api = cast.client(), cast.client(), cast.client(introspects_any=True)
    tokens = cast.tokens(owner, cast.sign_in())
    mine = cast.introspect(owner, tokens["access_token"])
    assert mine["active"] is True
    assert mine["client_id"] == mine["azp"] == owner[0]
    assert mine["SubjectNameID"] == mine["username"] == NATIONAL_ID
    assert cast.introspect(api, tokens["access_token"])["active"] is True
    assert cast.introspect(other, tokens["access_token"]) == {"active": False}
    held = cast.introspect(owner, tokens["refresh_token"])
    assert held["active"] is True
    assert "SubjectNameID" not in held
    for client in (other, api):
        assert cast.introspect(client, tokens["refresh_token"]) == {"active": False}
    assert cast.introspect(owner, "garbage") == {"active": False}
    cast.world.clock.advance(1801)
    assert cast.introspect(owner, tokens["access_token"]) == {"active": False}
    assert cast.introspect(owner, tokens["refresh_token"]) == {"active": False}


def test_introspection_asks_who_and_what(cast: Cast) -> None:
    name, secret = cast.client()
    assert cast.post(introspect, {"token": "x"}).status == 401
    assert cast.post(introspect, {"client_id": name, "client_secret": secret}).status == 400
    assert cast.post(revoke, {"token": "x"}).status == 401
    assert cast.post(revoke, {"client_id": name, "client_secret": secret}).status == 400


def test_revoking_an_access_token_ends_it_alone(cast: Cast) -> None:
    client = cast.client()
    tokens = cast.tokens(client, cast.sign_in())
    for _ in range(2):
        assert cast.revoke(client, tokens["access_token"]).status == 200
    assert cast.userinfo(tokens["access_token"]).status == 401
    assert cast.refresh(client, tokens["refresh_token"]).status == 200


def test_revoking_a_refresh_token_ends_its_grant(cast: Cast) -> None:
    client = cast.client()
    tokens = cast.tokens(client, cast.sign_in())
    assert cast.revoke(client, tokens["refresh_token"]).status == 200
    assert cast.revoke(client, "garbage").status == 200
    assert cast.userinfo(tokens["access_token"]).status == 401
    assert cast.introspect(client, tokens["refresh_token"]) == {"active": False}


def test_a_rotation_publishes_first_signs_later_and_keeps_the_old_key(cast: Cast) -> None:
    client, sid = cast.client(), cast.sign_in()
    before = cast.tokens(client, sid)
    old = {key["kid"] for key in cast.machine.ring.published()}
    with writing(cast.world.engine) as db:
        new = keys.rotate(
            db, notice=timedelta(minutes=10), longest=timedelta(minutes=5), vault=cast.world.dep.vault,
            chance=cast.world.chance, now=cast.world.now,
        )  # fmt: skip
    cast.world.clock.advance(11)
    published = list(cast.machine.ring.published())
    assert {key["kid"] for key in published} == old | set(new)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {member for key in published for member in key}
    assert cast.machine.ring.signer("RS256").kid in old
    cast.world.clock.advance(600)
    assert cast.machine.ring.signer("RS256").kid in new
    assert cast.userinfo(cast.tokens(client, sid)["access_token"]).status == 200
    cast.world.clock.advance(301)
    assert {key["kid"] for key in cast.machine.ring.published()} == set(new)
    hint = before["id_token"]
    assert cast.machine.verifier.read(hint, kind="id", now=cast.world.now, expired=True) is not None


def test_workers_that_start_at_once_make_one_key_of_each_kind(world: World) -> None:
    def start(_: int) -> None:
        with writing(world.engine) as db:
            keys.ensure(db, vault=world.dep.vault, chance=SystemChance(), now=world.now)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(start, range(4)))
    with reading(world.engine) as db:
        assert sorted(db.scalars(select(SigningKey.algorithm))) == ["ES256", "RS256"]


def test_discovery_is_valid_and_truthful(cast: Cast) -> None:
    issuer = Issuer(auth_base="https://auth.example", wallet_base="https://wallet.example")
    discovery.validate(issuer, Policy())
    found = discovery.metadata(issuer, Policy())
    assert found["issuer"] == "https://auth.example/auth/realms/esante-wallet"
    assert found["authorization_endpoint"] == "https://wallet.example/auth"
    assert found["request_uri_parameter_supported"] is False
    assert found["acr_values_supported"] == ["eidas1", "eidas2"]
    believing = discovery.metadata(issuer, Policy(device_bound_level="eidas3"))
    assert believing["acr_values_supported"] == ["eidas1", "eidas2", "eidas3"]


def test_logout_judges_hint_client_and_address(cast: Cast) -> None:
    uri = "https://dossier.example/bye"
    client, other = cast.client(post_logout_redirect_uris=(uri,)), cast.client()
    patient = cast.client(
        profile="standard", post_logout_redirect_uris=(uri,), token_endpoint_auth_method="client_secret_post"
    )
    sid = cast.sign_in()
    hint = cast.tokens(client, sid)["id_token"]

    def ask(**parameters: str) -> Any:
        return judge_logout(cast.machine, list(parameters.items()), now=cast.world.now)

    good = ask(id_token_hint=hint, post_logout_redirect_uri=uri, state="é&")
    assert (good.sid, good.redirect, good.confirm) == (sid, uri + "?state=%C3%A9%26", False)
    assert ask(id_token_hint=hint, post_logout_redirect_uri=uri + "?x=1").reason == "redirect-unknown"
    assert ask(id_token_hint=hint, client_id=other[0]).reason == "client-differs"
    forged = ask(id_token_hint=hint[:-4] + "AAAA", post_logout_redirect_uri=uri)
    assert (forged.sid, forged.redirect, forged.confirm) == (None, None, True)
    assert ask(client_id=client[0], post_logout_redirect_uri=uri).confirm
    assert ask().sid is None
    code = cast.code(patient[0], sid, scope="openid", **PKCE)
    slow = document(cast.redeem(patient, code, code_verifier=VERIFIER))["id_token"]
    cast.world.clock.advance(30 * 86400)
    assert ask(id_token_hint=hint).confirm is False
    assert ask(id_token_hint=slow).confirm is True
