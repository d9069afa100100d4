"""Client code of the real service, imitated request by request: what it sends works here unchanged."""

import re
from itertools import count
from typing import Any

import pytest
import requests

from tests.demo.conftest import Demo
from tests.interop.client import CALLBACK, SIGNED_OUT, Program, decoded, leaves

TURNS = count()


@pytest.fixture
def people(demo: Demo) -> dict[str, Any]:
    """Somebody enrolled; the next test gets somebody else, so that nobody waits for a fresh one-time code."""
    enrolled = [one for one in demo.card["practitioners"] if one["situation"] == "any"]
    return enrolled[next(TURNS) % len(enrolled)]


def test_drimbox_secret_in_the_body_doubled_slashes_and_post(demo: Demo, people: dict[str, Any]) -> None:
    program = Program(demo)
    asked = program.query(nonce="4e0d", state="xyz").replace("openid+scope_all", "openid scope_all")
    answer = program.authorize(asked, people)
    assert answer["state"] == "xyz"
    body = {"client_id": program.client_id, "client_secret": program.secret}
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
    tokens = program.post("/token", form | body, auth=None).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = requests.post(program.oidc + "//userinfo", headers=bearer, allow_redirects=False, timeout=10)
    assert (userinfo.status_code, userinfo.headers["Content-Type"]) == (200, "application/json")
    assert all(isinstance(leaf, str | int) for leaf in leaves(userinfo.json()))
    found = program.post("//token/introspect", {"token": tokens["access_token"]} | body, auth=None).json()
    assert (found["active"], found["SubjectNameID"]) == (True, people["national_id"])
    three = [decoded(tokens[name]) for name in ("id_token", "access_token", "refresh_token")]
    assert [one["nonce"] for one in three] == ["4e0d"] * 3
    assert None not in leaves([three, tokens])


@pytest.mark.parametrize("scope", ["scope_all", "openid,scope_all", "scope_all,openid", "openid scope_all"])
def test_php_library_scope_all_alone_or_with_commas(demo: Demo, people: dict[str, Any], scope: str) -> None:
    program = Program(demo)
    answer = program.authorize(program.query(scope=scope, approval_prompt="auto"), people)
    both = {"client_id": program.client_id, "client_secret": program.secret}
    tokens = program.redeem(answer["code"], **both).json()
    assert set(tokens["scope"].split()) == {"openid", "profile", "scope_all", "identity"}
    assert decoded(tokens["id_token"])["aud"] == program.client_id
    assert program.userinfo(tokens["access_token"]).json()["SubjectNameID"] == people["national_id"]


@pytest.mark.parametrize(
    "form",
    [{}, {"grant_type": "x"}, {"grant_type": "authorization_code"}, {"grant_type": "refresh_token"},
     {"grant_type": "authorization_code", "code": "x"}, {"grant_type": "refresh_token", "refresh_token": "x"}],
)  # fmt: skip
def test_every_error_has_a_description(demo: Demo, form: dict[str, str]) -> None:
    answer = Program(demo).post("/token", form)
    assert answer.status_code == 400
    assert answer.json()["error_description"]


def test_php_library_leaves_by_an_unescaped_address(demo: Demo, people: dict[str, Any]) -> None:
    program = Program(demo)
    tokens = program.sign_in(people)
    hint = f"id_token_hint={tokens['id_token']}"
    address = f"{program.oidc}/logout?{hint}&post_logout_redirect_uri={SIGNED_OUT}&state=a b"
    program.visitor.page = program.visitor.session.get(address, allow_redirects=False, timeout=10)
    assert program.visitor.page.headers["Location"] == f"{SIGNED_OUT}?state=a%20b"
    assert program.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("client_id", ["essai-psc", "essai-psc-post"])
def test_doctolib_eidas2_without_nonce_state_or_pkce(demo: Demo, people: dict[str, Any], client_id: str) -> None:
    program = Program(demo, client_id)
    answer = program.authorize(program.query(acr_values="eidas2"), people)
    assert "state" not in answer
    tokens = program.redeem(answer["code"]).json()
    own, access = decoded(tokens["id_token"]), decoded(tokens["access_token"])
    assert (own["acr"], "nonce" in own, access["nonce"]) == ("eidas2", False, "")


def test_doctolib_a_query_makes_another_redirect_address(demo: Demo, people: dict[str, Any]) -> None:
    program = Program(demo)
    assert program.authorize(program.query(redirect_uri=CALLBACK + "?origin=psc"), people) == {}
    assert program.visitor.page.status_code == 400


def test_openxtrem_reads_the_refresh_token_and_refreshes_until_the_logout(demo: Demo, people: dict[str, Any]) -> None:
    program = Program(demo)
    tokens = program.sign_in(people)
    began = decoded(tokens["id_token"])["auth_time"]
    for _ in range(3):
        expiry = decoded(tokens["refresh_token"])["exp"]
        assert expiry - decoded(tokens["refresh_token"])["iat"] == tokens["refresh_expires_in"]
        tokens = program.refresh(tokens["refresh_token"]).json()
        own = decoded(tokens["id_token"])
        assert (own["acr"], own["auth_time"]) == ("eidas1", began)
    elsewhere = requests.post(program.oidc + "/logout", data={"id_token_hint": tokens["id_token"],
                              "client_id": program.client_id}, timeout=10)  # fmt: skip
    assert elsewhere.ok
    refused = program.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert program.userinfo(tokens["access_token"]).status_code == 401


def test_drupal_module_repeats_parameters(demo: Demo, people: dict[str, Any]) -> None:
    program = Program(demo)
    assert program.authorize("acr_values=eidas1&" + program.query(), people)["code"]
    conflict = program.authorize("acr_values=eidas2&" + program.query(), people)
    assert conflict["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/auth", "/auth/"])
def test_the_authorization_address_answers_with_and_without_slash(demo: Demo, path: str) -> None:
    program = Program(demo)
    for method in (requests.get, requests.post):
        where = "params" if method is requests.get else "data"
        asked = {"response_type": "code", "client_id": program.client_id, "redirect_uri": CALLBACK, "scope": "openid"}
        answer = method(demo.card["wallet_url"] + path, **{where: asked}, allow_redirects=False, timeout=10)
        assert answer.status_code == 303
        assert re.search("/journey/", answer.headers["Location"])


def test_any_host_is_answered_and_none_is_believed(demo: Demo) -> None:
    url = f"{demo.card['issuer']}/.well-known/openid-configuration"
    answer = requests.get(url, headers={"Host": "wallet.bas.psc.esante.gouv.fr", "X-Forwarded-Host": "evil.example"},
                          timeout=10)  # fmt: skip
    assert answer.json()["issuer"] == demo.card["issuer"]
    assert "evil" not in answer.text
