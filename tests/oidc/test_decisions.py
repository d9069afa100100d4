"""Pure decisions of the protocol: the request, the journey, the answer, registration."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.errors import Displayed, Redirected
from pro_sante_connect.oidc.profile import PROFILES
from pro_sante_connect.oidc.requests.answer import failure, location, success
from pro_sante_connect.oidc.requests.journey import Next, Settled, SignedIn, Step, next_step
from pro_sante_connect.oidc.requests.request import (
    AuthorizationRequest,
    Return,
    client_id_of,
    from_json,
    judge,
    way_back,
)
from pro_sante_connect.oidc.vocabulary import AuthMethod, ResponseMode
from tests.oidc.parties import CALLBACK, CHALLENGE
from tests.world import START


def party(profile: str = "psc", **changes: Any) -> RelyingParty:
    base = RelyingParty(
        id="app", version=1, name_fr="Dossier", name_en="Record", profile=PROFILES[profile],
        auth_method=AuthMethod.BASIC, secret_digests=(), jwks=None, redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(), web_origins=(), grants=(), scopes=("openid", "profile"), algorithm="RS256",
        default_acr="eidas1", minimum_acr="eidas1", chooses_activity=False, asks_consent=True,
        introspects_any=False, disabled_at=None,
    )  # fmt: skip
    return replace(base, **changes)


GOOD = {"client_id": "app", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "s"}


def judged(client: RelyingParty | None = None, **changes: str) -> AuthorizationRequest:
    client = client or party()
    pairs = [(name, value) for name, value in (GOOD | changes).items()]
    return judge(pairs, client, way_back(pairs, client))


def refused(client: RelyingParty | None = None, **changes: str) -> str:
    with pytest.raises(Redirected) as caught:
        judged(client, **changes)
    assert caught.value.description.isascii()
    return caught.value.code


def test_a_request_kept_by_an_older_version_is_still_read() -> None:
    asked = judged(nonce="n", prompt="login", ui_locales="en fr")
    assert from_json(asked.to_json() | {"former": 1}) == asked


def test_a_good_request_survives_storage() -> None:
    asked = judged(nonce="n", acr_values="eidas2 eidas1", prompt="login", max_age="30", ui_locales="en fr")
    assert from_json(asked.to_json()) == asked
    assert asked.acr_values == (Level.EIDAS2, Level.EIDAS1)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/cb", CALLBACK + "/x", CALLBACK + "?x=1", CALLBACK + "/", CALLBACK.upper(), " " + CALLBACK,
        "https://dossier.example@evil.test/callback", "https://dossier.example:443/callback", "/callback",
        "javascript:alert(1)", "https://dossier.exаmple/callback", "http://dossier.example/callback", "http://[::1",
    ],
)  # fmt: skip
def test_an_unproven_address_is_never_redirected_to(uri: str) -> None:
    for more in ({}, {"response_type": "token"}, {"scope": "x"}, {"prompt": "none login"}):
        with pytest.raises(Displayed, match="redirect-uri-unknown"):
            judged(None, redirect_uri=uri, **more)


def test_missing_or_doubtful_clients_and_addresses_are_displayed() -> None:
    with pytest.raises(Displayed, match="redirect-uri-missing"):
        judged(None, redirect_uri="")
    with pytest.raises(Displayed, match="redirect-uri-unknown"):
        way_back([("redirect_uri", CALLBACK), ("redirect_uri", "https://evil.test")], party())
    with pytest.raises(Displayed, match="client-unknown"):
        way_back([], None)
    for pairs in ([], [("client_id", "a"), ("client_id", "b")], [("client_id", "a")] * 70):
        with pytest.raises(Displayed, match="client-unknown"):
            client_id_of(pairs)
    assert client_id_of([("client_id", "a"), ("client_id", "a")]) == "a"


def test_only_the_port_of_a_loopback_address_may_vary() -> None:
    native = party(redirect_uris=("http://127.0.0.1/cb", "http://localhost:1/cb"))
    assert native.knows_redirect("http://127.0.0.1:51234/cb")
    for uri in ("http://127.0.0.1:5/cb2", "http://localhost:5/cb", "http://[::1]:5/cb", "http://127.0.0.1:x/cb"):
        assert not native.knows_redirect(uri)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": " ".join(f"s{n}" for n in range(99))}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"state": "s" * 4097}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "é" * 43, "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1], "code_challenge_method": "S256"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        (
            {"claims": '{"id_token":{"acr":{"essential":true,"values":["gold"]}}}'},
            "unmet_authentication_requirements",
        ),
    ],
)
def test_a_faulty_request_goes_back_with_its_error(changes: dict[str, str], error: str) -> None:
    assert refused(None, **changes) == error


def test_pkce_is_required_where_the_profile_says_so() -> None:
    assert refused(party("standard")) == "invalid_request"
    assert judged(party("standard"), code_challenge=CHALLENGE, code_challenge_method="S256").code_challenge


@pytest.mark.parametrize("scope", ["scope_all", "openid scope_all", "scope_all,openid", "openid,  profile scope_all"])
def test_scope_all_means_everything_however_it_is_written(scope: str) -> None:
    assert judged(party(scopes=("scope_all",)), scope=scope).scope == "openid profile scope_all identity"


@pytest.mark.parametrize(
    ("registered", "asked", "granted"),
    [
        (("openid",), "scope_all", "openid"),
        (("openid", "profile"), "openid scope_all", "openid profile"),
        (("openid", "identity"), "openid profile identity", "openid identity"),
        (("openid", "scope_all"), "openid profile", "openid profile"),
    ],
)
def test_a_service_is_granted_what_it_registered_at_most(registered: tuple[str, ...], asked: str, granted: str) -> None:
    assert judged(party(scopes=registered), scope=asked).scope == granted
    assert refused(party(scopes=("profile",)), scope=asked) == "invalid_scope"


def test_other_scopes_of_the_real_service_have_no_effect() -> None:
    assert judged(None, scope="openid email phone offline_access").scope == "openid"
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert judged(party("standard"), scope="openid identity", **challenge).scope == "openid"


def test_repeats_count_once_for_psc_when_equal_and_never_otherwise() -> None:
    pairs = [*GOOD.items(), ("acr_values", "eidas1"), ("acr_values", "eidas1")]
    assert judge(pairs, party(), way_back(pairs, party())).acr_values == (Level.EIDAS1,)
    with pytest.raises(Redirected):
        judge(pairs, party("standard"), way_back(pairs, party("standard")))
    with pytest.raises(Redirected):
        judge([*pairs, ("acr_values", "eidas2")], party(), way_back(pairs, party()))


@pytest.mark.parametrize(
    ("minimum", "default", "asked", "expected"),
    [
        ("eidas1", "eidas1", {}, (Level.EIDAS1,)),
        ("eidas2", "eidas1", {}, (Level.EIDAS2,)),
        ("eidas2", "eidas3", {}, (Level.EIDAS3,)),
        ("eidas2", "eidas1", {"acr_values": "eidas1"}, (Level.EIDAS2,)),
        ("eidas2", "eidas1", {"acr_values": "eidas1 eidas3"}, (Level.EIDAS3,)),
        ("eidas1", "eidas1", {"acr_values": "gold eidas2"}, (Level.EIDAS2,)),
        ("eidas1", "eidas1", {"claims": '{"id_token":{"acr":{"value":"eidas3"}}}'}, (Level.EIDAS3,)),
        ("eidas1", "eidas1", {"claims": '{"id_token":{"acr":null}}'}, (Level.EIDAS1,)),
    ],
)
def test_the_browser_cannot_go_under_the_registered_minimum(
    minimum: str, default: str, asked: dict[str, str], expected: tuple[Level, ...]
) -> None:
    assert judged(party(minimum_acr=minimum, default_acr=default), **asked).acr_values == expected


SESSION = SignedIn(authenticated_at=START, level=Level.EIDAS2, national_id="8998", entitled=True)
OLDER = replace(SESSION, authenticated_at=START - timedelta(seconds=61))
SETTLED = Settled(
    authenticated_at=None, activity=None, activities=(), chooses_activity=False,
    consent_remembered=True, consented_at=None, asks_consent=True, hinted=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("request_changes", "session", "settled", "expected"),
    [
        ({}, None, {}, Next(Step.AUTHENTICATE, "no-session")),
        ({}, SESSION, {}, Next(Step.RESPOND, "settled")),
        ({"prompt": "login"}, SESSION, {}, Next(Step.AUTHENTICATE, "prompt-login")),
        ({"prompt": "login"}, SESSION, {"authenticated_at": START}, Next(Step.RESPOND, "settled")),
        ({"prompt": "login"}, OLDER, {"authenticated_at": START}, Next(Step.AUTHENTICATE, "prompt-login")),
        ({"max_age": "0"}, SESSION, {}, Next(Step.AUTHENTICATE, "max-age")),
        ({"max_age": "0"}, SESSION, {"authenticated_at": START}, Next(Step.RESPOND, "settled")),
        ({"max_age": "60"}, OLDER, {"authenticated_at": START}, Next(Step.AUTHENTICATE, "max-age")),
        ({"acr_values": "eidas3"}, OLDER, {"authenticated_at": START}, Next(Step.AUTHENTICATE, "level-too-low")),
        ({"max_age": "60"}, SESSION, {}, Next(Step.RESPOND, "settled")),
        ({"max_age": "60"}, OLDER, {}, Next(Step.AUTHENTICATE, "max-age")),
        ({}, SESSION, {"hinted": "other"}, Next(Step.AUTHENTICATE, "other-person-hinted")),
        (
            {},
            SESSION,
            {"hinted": "other", "authenticated_at": START},
            Next(Step.REFUSE, "other-person-hinted", "login_required"),
        ),
        ({"acr_values": "eidas3"}, SESSION, {}, Next(Step.AUTHENTICATE, "level-too-low")),
        (
            {"acr_values": "eidas3"},
            SESSION,
            {"authenticated_at": START},
            Next(Step.REFUSE, "level-too-low", "unmet_authentication_requirements"),
        ),
        ({}, replace(SESSION, entitled=False), {}, Next(Step.REFUSE, "not-entitled", "access_denied")),
        ({}, SESSION, {"chooses_activity": True}, Next(Step.REFUSE, "no-activity", "access_denied")),
        (
            {},
            SESSION,
            {"chooses_activity": True, "activities": (1, 2)},
            Next(Step.CHOOSE_ACTIVITY, "activity-open"),
        ),
        (
            {},
            SESSION,
            {"chooses_activity": True, "activities": (1, 2), "activity": 3},
            Next(Step.CHOOSE_ACTIVITY, "activity-open"),
        ),
        (
            {},
            SESSION,
            {"chooses_activity": True, "activities": (1, 2), "activity": 2},
            Next(Step.RESPOND, "settled"),
        ),
        ({}, SESSION, {"consent_remembered": False}, Next(Step.CONSENT, "consent-missing")),
        ({}, SESSION, {"consent_remembered": False, "asks_consent": False}, Next(Step.RESPOND, "settled")),
        ({}, SESSION, {"consent_remembered": False, "consented_at": START}, Next(Step.RESPOND, "settled")),
        ({"prompt": "consent"}, SESSION, {}, Next(Step.CONSENT, "prompt-consent")),
        ({"prompt": "none"}, None, {}, Next(Step.REFUSE, "no-session", "login_required")),
        (
            {"prompt": "none"},
            SESSION,
            {"consent_remembered": False},
            Next(Step.REFUSE, "consent-missing", "consent_required"),
        ),
        (
            {"prompt": "none"},
            SESSION,
            {"chooses_activity": True, "activities": (1, 2)},
            Next(Step.REFUSE, "activity-open", "interaction_required"),
        ),
    ],
)
def test_one_reason_one_step(
    request_changes: dict[str, str], session: SignedIn | None, settled: dict[str, Any], expected: Next
) -> None:
    found = next_step(judged(None, **request_changes), session, replace(SETTLED, **settled), now=START)
    assert found == expected


def test_every_answer_carries_iss_and_its_state() -> None:
    back = Return(CALLBACK + "?a=1", "é&=", ResponseMode.QUERY)
    members = success(back, code="c", session="s", issuer="https://op.example")
    assert location(back.redirect_uri, members) == (
        CALLBACK + "?a=1&state=%C3%A9%26%3D&session_state=s&iss=https%3A%2F%2Fop.example&code=c"
    )
    errors = dict(failure(Return(CALLBACK, None, ResponseMode.QUERY), Redirected("x", "d"), issuer="i"))
    assert errors == {"error": "x", "error_description": "d", "iss": "i"}
    assert location(CALLBACK, []) == CALLBACK


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"profile": "gold"}, "profile-unknown"),
        ({"name_fr": " "}, "name-missing"),
        ({"client_id": "f:x:1"}, "client-id-refused"),
        ({"redirect_uris": ()}, "redirect-uri-missing"),
        ({"redirect_uris": tuple(f"https://a.example/{n}" for n in range(31))}, "too-many-uris"),
        ({"token_endpoint_auth_method": "magic"}, "auth-method-unknown"),
        ({"profile": "psc", "token_endpoint_auth_method": "none"}, "public-client-refused"),
        ({"grant_types": ("password",)}, "grant-type-unknown"),
        ({"scopes": ("admin",)}, "scope-unknown"),
        ({"algorithm": "none"}, "algorithm-unknown"),
        ({"minimum_acr": "gold"}, "acr-unknown"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks-missing"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "A" * 43}]}}, "jwks"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{}]}}, "jwks-missing"),
        ({"web_origins": ("https://a.example/path",)}, "origin-refused"),
        ({"post_logout_redirect_uris": ("data:x",)}, "logout-uri-refused"),
        ({"backchannel_logout_session_required": True}, "backchannel-logout-uri-missing"),
        *(
            ({"backchannel_logout_uri": uri}, f"backchannel-logout-uri-refused:{uri}")
            for uri in (
                "http://a.example/out",
                "http://localhost:3/out",
                "https://localhost/out",
                "https://127.0.0.1/out",
                "https://169.254.169.254/",
                "https://[::ffff:127.0.0.1]/",
                "https://2130706433/",
                "https://0x7f000001/",
                "https://a.example/out#f",
                "https://u@a.example/",
                "file:///etc/passwd",
                "gopher://a.example/",
            )
        ),
    ],
)
def test_registration_names_what_is_wrong(changes: dict[str, Any], problem: str) -> None:
    wish = registration.Wish(**{"name_fr": "A", "redirect_uris": (CALLBACK,)} | changes)
    assert any(found.startswith(problem) for found in registration.problems(wish))


def test_a_service_of_ours_is_told_inside_where_the_settings_say_so() -> None:
    wish = registration.Wish(
        name_fr="A", redirect_uris=(CALLBACK,), backchannel_logout_uri="http://localhost:8001/out"
    )  # fmt: skip
    assert registration.problems(wish, exempt=("localhost:8001",)) == []
    assert registration.problems(wish, exempt=("localhost:8002",)) != []
    public = replace(wish, backchannel_logout_uri="https://a.example/out?x=1", backchannel_logout_session_required=True)
    assert registration.problems(public) == []


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("https://a.example/cb?x=1", True), ("http://localhost:3/cb", True), ("com.example.app:/cb", True),
        ("http://a.example/cb", False), ("https://a.example/cb#f", False), ("https://*/cb", False),
        ("https://u@a.example/cb", False), ("javascript:alert(1)", False), ("https://a.example/../x", False),
        ("https://[::1", False), ("https:///cb", False), ("app:/cb", False), ("https://é.example/", False),
        ("https://a.example/a b", False),
    ],
)  # fmt: skip
def test_return_addresses(uri: str, good: bool) -> None:
    assert registration.is_return_address(uri) is good
