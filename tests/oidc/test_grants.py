"""Codes and refresh tokens: once, in time, for their client, while everything is alive."""

import pytest
from sqlalchemy import select

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.rpps import decisions, registry
from tests.oidc.parties import CALLBACK, CHALLENGE, NATIONAL_ID, VERIFIER, Cast, document, payload


def test_a_psc_token_set_has_every_member_and_none_is_null(cast: Cast) -> None:
    answer = cast.tokens(cast.client(), cast.sign_in())
    assert list(answer) == [
        "access_token", "expires_in", "token_type", "refresh_token", "refresh_expires_in", "id_token",
        "not-before-policy", "session_state", "scope",
    ]  # fmt: skip
    assert None not in answer.values()
    assert (answer["expires_in"], answer["refresh_expires_in"]) == (120, 1800)
    assert answer["scope"] == "openid profile scope_all identity"


def test_the_three_psc_tokens_agree_and_say_who(cast: Cast) -> None:
    client = cast.client()
    sid = cast.sign_in()
    answer = cast.tokens(client, sid)
    identity, access, refresh = (payload(answer[name]) for name in ("id_token", "access_token", "refresh_token"))
    assert identity["aud"] == identity["azp"] == access["azp"] == client[0]
    assert identity["sid"] == identity["session_state"] == access["sid"] == refresh["sid"] == sid
    assert (identity["typ"], access["typ"], refresh["typ"]) == ("ID", "Bearer", "Refresh")
    assert identity["nonce"] == access["nonce"] == refresh["nonce"] == "n-1"
    assert identity["SubjectNameID"] == access["preferred_username"] == NATIONAL_ID
    assert identity["sub"] == f"f:550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd:{NATIONAL_ID}"
    assert identity["acr"] == "eidas1"
    assert refresh["aud"] == identity["iss"]
    assert "aud" not in access
    assert access["otherIds"] == [{"identifiant": NATIONAL_ID, "origine": "RPPS", "qualite": 1}]


def test_without_a_nonce_the_id_token_has_none_and_the_access_token_an_empty_one(cast: Cast) -> None:
    answer = cast.tokens(cast.client(), cast.sign_in(), nonce="")
    assert "nonce" not in payload(answer["id_token"])
    assert payload(answer["access_token"])["nonce"] == ""


def test_a_spent_code_opens_nothing_and_takes_back_what_it_gave(cast: Cast) -> None:
    client = cast.client()
    code = cast.code(client[0], cast.sign_in())
    first = document(cast.redeem(client, code))
    assert cast.userinfo(first["access_token"]).status == 200
    again = cast.redeem(client, code)
    assert (again.status, document(again)["error"]) == (400, "invalid_grant")
    assert cast.userinfo(first["access_token"]).status == 401
    assert document(cast.refresh(client, first["refresh_token"]))["error"] == "invalid_grant"
    with reading(cast.world.engine) as db:
        assert db.scalars(select(Entry).where(Entry.event == Event.CODE_REPLAYED)).one()


def test_a_stranger_neither_spends_nor_revokes(cast: Cast) -> None:
    owner, stranger = cast.client(), cast.client()
    code = cast.code(owner[0], cast.sign_in())
    assert document(cast.redeem(stranger, code))["error"] == "invalid_grant"
    mine = document(cast.redeem(owner, code))
    assert document(cast.redeem(stranger, code))["error"] == "invalid_grant"
    assert document(cast.refresh(stranger, mine["refresh_token"]))["error"] == "invalid_grant"
    cast.revoke(stranger, mine["refresh_token"])
    assert cast.userinfo(mine["access_token"]).status == 200


@pytest.mark.parametrize("mangle", [lambda code: code[:-1], lambda code: code + "A", str.swapcase, lambda code: "é"])
def test_a_mangled_code_opens_nothing(cast: Cast, mangle) -> None:
    client = cast.client()
    code = cast.code(client[0], cast.sign_in())
    assert document(cast.redeem(client, mangle(code)))["error"] == "invalid_grant"


def test_a_code_lives_sixty_seconds_whatever_the_age_of_the_session(cast: Cast) -> None:
    client, sid = cast.client(), cast.sign_in()
    cast.world.clock.advance(1500)
    code = cast.code(client[0], sid)
    cast.world.clock.advance(59)
    answer = document(cast.redeem(client, code))
    identity = payload(answer["id_token"])
    assert identity["iat"] - identity["auth_time"] == 1559
    late = cast.code(client[0], sid)
    cast.world.clock.advance(60)
    assert document(cast.redeem(client, late))["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("sent", "fields", "good"),
    [
        ({}, {}, True),
        ({}, {"redirect_uri": ""}, False),
        ({}, {"redirect_uri": "https://dossier.example/other"}, False),
        ({}, {"code_verifier": VERIFIER}, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_verifier": VERIFIER}, True),
        (
            {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
            {"code_verifier": VERIFIER, "redirect_uri": ""},
            True,
        ),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {}, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_verifier": ""}, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_verifier": "w" * 43}, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_verifier": "é" * 43}, False),
    ],
)
def test_redirect_uri_and_verifier_must_fit_the_code(
    cast: Cast, sent: dict[str, str], fields: dict[str, str], good: bool
) -> None:
    client = cast.client()
    code = cast.code(client[0], cast.sign_in(), **sent)
    answer = cast.redeem(client, code, **fields)
    assert (answer.status == 200) is good
    if not good:  # the code is burnt: no second guess
        assert document(cast.redeem(client, code, code_verifier=VERIFIER))["error"] == "invalid_grant"


def test_a_client_without_the_refresh_grant_gets_no_refresh_token(cast: Cast) -> None:
    client = cast.client(grant_types=("authorization_code",))
    answer = cast.tokens(client, cast.sign_in())
    assert "refresh_token" not in answer
    assert "refresh_expires_in" not in answer
    assert document(cast.refresh(client, "x"))["error"] == "unauthorized_client"


def test_refresh_rotates_and_keeps_who_and_when(cast: Cast) -> None:
    client = cast.client()
    first = cast.tokens(client, cast.sign_in())
    cast.world.clock.advance(100)
    second = document(cast.refresh(client, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    before, after = payload(first["id_token"]), payload(second["id_token"])
    for name in ("sub", "aud", "auth_time", "nonce", "acr", "amr", "sid", "azp"):
        assert before[name] == after[name]
    assert after["iat"] == before["iat"] + 100


def test_a_reused_refresh_token_ends_its_family(cast: Cast) -> None:
    client = cast.client()
    first = cast.tokens(client, cast.sign_in())
    second = document(cast.refresh(client, first["refresh_token"]))
    assert document(cast.refresh(client, first["refresh_token"]))["error"] == "invalid_grant"
    assert document(cast.refresh(client, second["refresh_token"]))["error"] == "invalid_grant"
    assert cast.userinfo(second["access_token"]).status == 401
    with reading(cast.world.engine) as db:
        assert db.scalars(select(Entry).where(Entry.event == Event.TOKEN_REUSED)).one()


def test_refresh_narrows_scope_and_never_widens_it(cast: Cast) -> None:
    client = cast.client(
        profile="standard", scopes=("openid", "profile"), token_endpoint_auth_method="client_secret_post"
    )
    sent = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "openid profile"}
    answer = document(cast.redeem(client, cast.code(client[0], cast.sign_in(), **sent), code_verifier=VERIFIER))
    assert document(cast.refresh(client, answer["refresh_token"], scope="openid identity"))["error"] == "invalid_scope"
    narrowed = document(cast.refresh(client, answer["refresh_token"], scope="openid"))
    assert narrowed["scope"] == "openid"
    # RFC 6749 §6: the refresh token stands for what was granted, whatever one exchange asked for.
    again = document(cast.refresh(client, narrowed["refresh_token"], scope="openid profile"))
    assert again["scope"] == "openid profile"
    assert document(cast.refresh(client, again["refresh_token"]))["scope"] == "openid profile"
    claims = document(cast.userinfo(narrowed["access_token"]))
    assert list(claims) == ["sub"]


def test_sessions_end_idle_and_at_their_absolute_limit(cast: Cast) -> None:
    client = cast.client()
    idle = cast.tokens(client, cast.sign_in())
    cast.world.clock.advance(1801)
    assert document(cast.refresh(client, idle["refresh_token"]))["error"] == "invalid_grant"
    held = cast.tokens(client, cast.sign_in())
    began = payload(held["id_token"])["auth_time"]
    for _ in range(9):
        cast.world.clock.advance(1500)
        held = document(cast.refresh(client, held["refresh_token"]))
        assert payload(held["id_token"])["auth_time"] == began
    assert held["refresh_expires_in"] == 14400 - 9 * 1500
    cast.world.clock.advance(901)
    assert document(cast.refresh(client, held["refresh_token"]))["error"] == "invalid_grant"


def test_an_ended_activity_kills_only_what_was_issued_for_it(cast: Cast) -> None:
    client = cast.client(chooses_activity=True)
    sid = cast.sign_in()
    first, second = (cast.tokens(client, sid, activite=number) for number in cast.activites)
    cast.world.clock.advance(1)
    with writing(cast.world.engine) as db:
        person = registry.get(db, cast.practitioner)
        decisions.end_activite(db, person, cast.activites[0], reason="AUT", origin=SYSTEM, now=cast.world.now)
    assert cast.userinfo(first["access_token"]).status == 401
    assert document(cast.refresh(client, first["refresh_token"]))["error"] == "invalid_grant"
    claims = document(cast.userinfo(second["access_token"]))
    named = [one["raisonSocialeSite"] for one in claims["SubjectRefPro"]["exercices"][0]["activities"]]
    assert named == ["CLINIQUE / DE LA LANTERNE"]
    assert cast.refresh(client, second["refresh_token"]).status == 200


def test_a_suspended_activity_is_left_out_and_its_tokens_die(cast: Cast) -> None:
    client = cast.client()
    sid = cast.sign_in()
    chosen, whole = cast.tokens(client, sid, activite=cast.activites[0]), cast.tokens(client, sid)
    cast.world.clock.advance(1)
    with writing(cast.world.engine) as db:
        person = registry.get(db, cast.practitioner)
        decisions.suspend(
            db, person, reason="ADM", activite=cast.activites[0], origin=SYSTEM, now=cast.world.now
        )  # fmt: skip
    assert cast.userinfo(chosen["access_token"]).status == 401
    claims = document(cast.userinfo(whole["access_token"]))
    assert len(claims["SubjectRefPro"]["exercices"][0]["activities"]) == 1
    assert document(cast.refresh(client, whole["refresh_token"]))["scope"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "garbage"}, "invalid_grant"),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(cast: Cast, fields: dict[str, str], error: str) -> None:
    client_id, secret = cast.client()
    answer = cast.post(token, fields | {"client_id": client_id, "client_secret": secret})
    assert document(answer)["error"] == error
    assert document(answer)["error_description"]
    assert dict(answer.headers)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "broken",
    [
        {"query": "code=1"},
        {"content_type": "application/json"},
        {"body": b"\xff"},
        {"body": b"grant_type=a&" + b"&".join(b"a%d=1" % n for n in range(60))},
        {"body": b"grant_type=%00"},
    ],
)
def test_a_malformed_request_is_refused_before_anything_else(cast: Cast, broken: dict[str, object]) -> None:
    answer = cast.post(token, {"redirect_uri": CALLBACK}, **broken)
    assert (answer.status, document(answer)["error"]) == (400, "invalid_request")
