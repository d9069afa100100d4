"""A service in its own name: for our own APIs only, never for what is about people."""

from typing import Any

import pytest

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.endpoints.bearer import calling
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.models import Client
from tests.oidc.parties import Cast, document, make_cast
from tests.oidc.test_grants import payload
from tests.world import World

SERVICE = {"redirect_uris": (), "grant_types": ("client_credentials",), "scopes": ("ssf.read", "ssf.manage")}


@pytest.fixture
def cast(world: World) -> Cast:
    return make_cast(world)


def own(client: tuple[str, str]) -> dict[str, str]:
    return {"client_id": client[0], "client_secret": client[1]}


def asked(cast: Cast, client: tuple[str, str], **fields: str) -> Any:
    return cast.post(token, {"grant_type": "client_credentials", **own(client), **fields})


def refused(cast: Cast, authorization: str, scope: str) -> str:
    with pytest.raises(TokenRefusal) as refusal:
        calling(cast.machine, authorization, scope, cast.world.now)
    return f"{refusal.value.status} {refusal.value.code}"


def test_a_token_of_a_service_opens_the_api_whose_scope_it_has(cast: Cast) -> None:
    client = cast.client(**SERVICE)
    found = document(asked(cast, client, scope="ssf.read"))
    assert set(found) == {"access_token", "expires_in", "token_type", "scope"}
    claims = payload(found["access_token"])
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (client[0], client[0], "ssf.read")
    bearer = f"Bearer {found['access_token']}"
    assert calling(cast.machine, bearer, "ssf.read", cast.world.now).id == client[0]
    assert refused(cast, bearer, "ssf.manage") == "403 insufficient_scope"
    assert refused(cast, "Bearer x", "ssf.read") == "401 invalid_token"
    assert refused(cast, "", "ssf.read") == "401 invalid_token"
    assert document(asked(cast, client))["scope"] == "ssf.read ssf.manage"
    cast.world.clock.advance(3600)
    assert refused(cast, bearer, "ssf.read") == "401 invalid_token"


def test_it_tells_nothing_about_people(cast: Cast) -> None:
    client = cast.client(**SERVICE)
    value = document(asked(cast, client))["access_token"]
    assert cast.userinfo(value).status == 401
    person = cast.redeem(cast.client(), cast.code(cast.client()[0], cast.sign_in()))
    assert person.status == 400
    other = cast.client()
    tokens = document(cast.redeem(other, cast.code(other[0], cast.sign_in())))
    assert refused(cast, f"Bearer {tokens['access_token']}", "ssf.read") == "401 invalid_token"


@pytest.mark.parametrize("scope", ["openid", "ssf.read openid", "magic"])
def test_no_other_scope_is_granted(cast: Cast, scope: str) -> None:
    answer = asked(cast, cast.client(**SERVICE), scope=scope)
    assert (answer.status, document(answer)["error"]) == (400, "invalid_scope")


def test_whoever_did_not_register_the_grant_does_not_get_it(cast: Cast) -> None:
    assert document(asked(cast, cast.client()))["error"] == "unauthorized_client"


def test_it_is_introspected_revoked_and_ends_with_its_client(cast: Cast) -> None:
    client = cast.client(**SERVICE)
    one, other = (document(asked(cast, client))["access_token"] for _ in range(2))
    seen = document(cast.post(introspect, {"token": one} | own(client)))
    assert (seen["active"], seen["client_id"], seen["scope"]) == (True, client[0], "ssf.read ssf.manage")
    assert document(cast.post(introspect, {"token": one} | own(cast.client()))) == {"active": False}
    assert cast.post(revoke, {"token": one} | own(client)).status == 200
    assert document(cast.post(introspect, {"token": one} | own(client))) == {"active": False}
    assert refused(cast, f"Bearer {one}", "ssf.read") == "401 invalid_token"
    with writing(cast.world.engine) as db:
        registration.disable(db, db.get_one(Client, client[0]), origin=SYSTEM, now=cast.world.now)
    assert refused(cast, f"Bearer {other}", "ssf.read") == "401 invalid_token"


def test_a_secret_that_was_replaced_gets_no_token_though_a_copy_still_knows_it(cast: Cast) -> None:
    client = cast.client(**SERVICE)
    assert asked(cast, client).status == 200
    with writing(cast.world.engine) as db:
        row = db.get_one(Client, client[0])
        for _ in range(2):
            registration.new_secret(db, row, origin=SYSTEM, chance=cast.world.chance, now=cast.world.now)
    answer = asked(cast, client)
    assert (answer.status, document(answer)["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "wish",
    [
        {"scopes": ("openid",)},
        {"grant_types": ("authorization_code",), "redirect_uris": ("https://a.example/cb",)},
        {"token_endpoint_auth_method": "none"},
        {"grant_types": ()},
    ],
)
def test_scopes_of_apis_their_grant_and_a_secret_go_together(cast: Cast, wish: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="client-refused"):
        cast.client(**SERVICE | wish)
