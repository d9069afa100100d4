"""What a process remembers is bounded, and what it does not accept is refused at each door."""

import sqlite3
from pathlib import Path

import pytest

from pro_sante_connect.core.database import Kept, below, open_engine
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.registration import Wish, problems
from pro_sante_connect.oidc.tokens import jose, shape_psc
from pro_sante_connect.oidc.tokens.claims import chosen_only
from tests.oidc.parties import Cast, document, payload
from tests.oidc.test_endpoints import basic, error, rotate_secret


def test_verified_tokens_are_remembered_up_to_a_number(cast: Cast) -> None:
    client, sid, issuer = cast.client(), cast.sign_in(), cast.world.dep.settings.issuer.issuer
    small = jose.Verifier(cast.machine.ring, issuer=issuer, size=1)
    for _ in range(3):
        token = cast.tokens(client, sid)["access_token"]
        assert small.read(token, kind="access", now=cast.world.now) is not None
        assert len(small._seen) == 1


def test_clients_are_remembered_up_to_a_number(cast: Cast) -> None:
    (name, secret), clients = cast.client(), cast.machine.clients
    held = cast.machine.clients.held
    assert held(name) is None
    cast.tokens((name, secret), cast.sign_in())
    kept = held(name)
    assert kept is not None
    clients._known.update({f"other {number}": (cast.world.now, kept) for number in range(10_001)})
    cast.world.clock.advance(6)
    cast.tokens((name, secret), cast.sign_in())
    assert list(clients._known) == [name]


def test_paused_callers_are_remembered_up_to_a_number(cast: Cast) -> None:
    name, _ = cast.client()
    cast.machine.paused.update({f"caller {number}": cast.world.now for number in range(10_001)})
    for _ in range(31):
        error(cast, {}, authorization=basic(name, "wrong"), address="203.0.113.5")
    assert list(cast.machine.paused) == [f"client-auth:{name}:203.0.113.5"]


def test_a_token_made_for_another_api_is_no_bearer_here(cast: Cast) -> None:
    tokens = cast.tokens(cast.client(), cast.sign_in())
    key = cast.machine.ring.signer("RS256")
    for audience, status in (("https://api.example", 401), (cast.world.dep.settings.issuer.issuer, 200)):
        claims = payload(tokens["access_token"]) | {"aud": audience}
        assert cast.userinfo(jose.sign(claims, key)).status == status


@pytest.mark.parametrize("endpoint", [introspect, revoke])
def test_a_withdrawn_secret_asks_and_revokes_nothing(cast: Cast, endpoint: object) -> None:
    name, secret = cast.client()
    held = cast.tokens((name, secret), cast.sign_in())
    form = {"client_id": name, "client_secret": secret, "token": held["access_token"]}
    for _ in range(2):
        rotate_secret(cast, name)
    assert cast.post(endpoint, form).status == 401
    assert cast.userinfo(held["access_token"]).status == 200


def test_a_loopback_address_that_is_none_is_unknown(cast: Cast) -> None:
    name, _ = cast.client(redirect_uris=("http://127.0.0.1/callback",))
    with cast.machine.reading() as db:
        party = cast.machine.clients.load(db, name)
    assert party is not None
    assert party.knows_redirect("http://127.0.0.1:8080/callback")
    for uri in ("http://127.0.0.1:port/callback", "http://127.0.0.1:99999999/callback", "http://[::1/callback"):
        assert not party.knows_redirect(uri)


def test_a_refresh_may_do_without_the_identity(cast: Cast) -> None:
    client = cast.client()
    held = cast.tokens(client, cast.sign_in())
    answer = document(cast.refresh(client, held["refresh_token"], scope="profile"))
    assert "id_token" not in answer
    assert answer["scope"] == "profile"


def test_the_chosen_activity_leaves_out_exercices_without_it() -> None:
    mine, other = {"activites": [{"id": 1}, {"id": 2}]}, {"activites": [{"id": 3}]}
    dossier = {"exercices": [mine, other]}
    assert chosen_only(dossier, 2) == {"exercices": [{"activites": [{"id": 2}]}]}
    assert chosen_only(dossier, None) is dossier


@pytest.mark.parametrize(("national_id", "origin"), [
    ("899820424051", "RPPS"), ("0759998881", "ADELI"), ("300000001/AB1", "FINESS"), ("4000000008/1", "SIREN"),
    ("500000000000016/7", "SIRET"), ("ANS20300101000000", "EDIT"), ("0c6f1f0e-0000-4000-8000-0a0b0c0d0e0f", "PSI"),
    ("x", "PSI"),
])  # fmt: skip
def test_the_kind_of_an_identifier_shows_in_its_form(national_id: str, origin: str) -> None:
    assert shape_psc.origin(national_id) == origin


def test_keys_that_are_none_register_nobody() -> None:
    wish = {"name_fr": "x", "redirect_uris": ("https://x.example/cb",), "token_endpoint_auth_method": "private_key_jwt"}
    for jwks in ({"keys": [{"kty": "EC"}]}, {"keys": "x"}):
        assert problems(Wish(**wish, jwks=jwks))


def test_a_connection_left_in_a_transaction_is_not_kept(tmp_path: Path) -> None:
    kept: Kept = below(open_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}"))
    with kept.reading() as db:
        db.connection.driver_connection.execute("BEGIN")
    with pytest.raises(sqlite3.OperationalError), kept.claiming():
        raise AssertionError("never reached")
    with kept.claiming() as db:
        db.connection.driver_connection.execute("CREATE TABLE t (x)")
    kept.close()


def test_a_name_is_no_loopback_address_whose_port_may_vary(cast: Cast) -> None:
    name, _ = cast.client(redirect_uris=("http://localhost/callback",))
    with cast.machine.reading() as db:
        party = cast.machine.clients.load(db, name)
    assert party is not None
    assert party.knows_redirect("http://localhost/callback")
    assert not party.knows_redirect("http://localhost:8080/callback")


def test_a_client_id_is_given_once(cast: Cast) -> None:
    cast.client(client_id="agenda")
    with pytest.raises(Refusal) as refused:
        cast.client(client_id="agenda")
    assert refused.value.facts == {"problems": ["client-id-taken:agenda"]}
