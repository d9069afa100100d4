"""Tokens and codes that are forged, bent, mixed up or sent oddly: refused alike wherever they are shown."""

import pytest
import requests

from tests.abuse.forgeries import FORGERS
from tests.oidc.parties import CALLBACK, Cast
from tests.serving import Served


def everywhere(served: Served, client: tuple[str, str], token: str) -> None:
    """No endpoint takes it for a token; none fails."""
    bearer = {"Authorization": b"Bearer " + token.encode()}
    for method in ("GET", "POST"):
        answer = requests.request(method, served.oidc + "/userinfo", headers=bearer)
        assert answer.status_code == 401, token[:60]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["error"]
    found = requests.post(served.oidc + "/token/introspect", {"token": token}, auth=client)
    if found.status_code == 200:
        assert found.text == '{"active":false}'
    else:  # longer than any field may be
        assert (found.status_code, found.json()["error"]) == (400, "invalid_request")
    assert requests.post(served.oidc + "/revoke", {"token": token}, auth=client).status_code in (200, 400)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    refused = requests.post(served.oidc + "/token", form, auth=client)
    assert (refused.status_code, refused.json()["error"] in ("invalid_grant", "invalid_request")) == (400, True)
    leaving = requests.get(served.oidc + "/logout", {"id_token_hint": token[:8000]}, allow_redirects=False)
    assert leaving.status_code < 400
    assert "/sign-out" in leaving.headers["Location"]  # the person is asked: nothing ended


@pytest.mark.parametrize("forger", FORGERS)
@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_ab_us_04_11_what_we_did_not_sign_is_no_token(served: Served, people: Cast, forger: str, kind: str) -> None:
    client, sid = people.client(), people.sign_in()
    tokens = people.tokens(client, sid)
    for forged in FORGERS[forger](served, tokens[kind]):
        assert forged != tokens[kind]
        everywhere(served, client, forged)
    good = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(served.oidc + "/userinfo", headers=good).status_code == 200
    assert people.refresh(client, tokens["refresh_token"]).status == 200


def test_ab_tk_20_rf_16_one_kind_never_passes_for_another(served: Served, people: Cast) -> None:
    client = people.client()
    tokens = people.tokens(client, people.sign_in())
    for kind in ("id_token", "refresh_token"):
        bearer = {"Authorization": f"Bearer {tokens[kind]}"}
        assert requests.get(served.oidc + "/userinfo", headers=bearer).status_code == 401
    asked = {"token": tokens["id_token"]}
    assert requests.post(served.oidc + "/token/introspect", asked, auth=client).text == '{"active":false}'
    for kind in ("access_token", "id_token"):
        form = {"grant_type": "refresh_token", "refresh_token": tokens[kind]}
        assert requests.post(served.oidc + "/token", form, auth=client).json()["error"] == "invalid_grant"
        form = {"grant_type": "authorization_code", "code": tokens[kind], "redirect_uri": CALLBACK}
        assert requests.post(served.oidc + "/token", form, auth=client).json()["error"] == "invalid_grant"
    for kind in ("access_token", "refresh_token"):
        hint = requests.get(served.oidc + "/logout", {"id_token_hint": tokens[kind]}, allow_redirects=False)
        assert "/sign-out" in hint.headers["Location"]
    assert people.refresh(client, tokens["refresh_token"]).status == 200


BEARERS = {
    "AB-US-01 none": {}, "AB-US-01 empty": {"Authorization": "Bearer "}, "AB-US-01 word": {"Authorization": "Bearer"},
    "AB-US-01 scheme": {"Authorization": "Token {}"}, "AB-US-01 basic": {"Authorization": "Basic {}"},
    "AB-US-01 two": {"Authorization": "Bearer {}, Bearer {}"}, "AB-US-10 dpop": {"Authorization": "DPoP {}"},
    "AB-US-01 no scheme": {"Authorization": "{}"}, "AB-TK-26 underscore": {"Authorization_": "Bearer {}"},
    "AB-US-01 cookie": {"Cookie": "access_token={}"}, "AB-US-01 forwarded": {"X-Forwarded-Access-Token": "{}"},
}  # fmt: skip


@pytest.mark.parametrize("row", BEARERS)
def test_ab_us_01_a_token_comes_in_one_header_in_one_way(served: Served, people: Cast, row: str) -> None:
    token = people.tokens(people.client(), people.sign_in())["access_token"]
    headers = {name: value.replace("{}", token) for name, value in BEARERS[row].items()}
    refused = requests.get(served.oidc + "/userinfo", headers=headers)
    assert (refused.status_code, refused.headers["WWW-Authenticate"].partition(" ")[0]) == (401, "Bearer")
    for scheme in ("Bearer", "bearer", "BEARER"):
        good = requests.get(served.oidc + "/userinfo", headers={"Authorization": f"{scheme} {token}"})
        assert good.status_code == 200


def test_ab_us_02_a_token_in_the_address_or_the_body_is_not_read(served: Served, people: Cast) -> None:
    token = people.tokens(people.client(), people.sign_in())["access_token"]
    userinfo = served.oidc + "/userinfo"
    for answer in (
        requests.get(userinfo, {"access_token": token}),
        requests.post(userinfo, {"access_token": token}),
        requests.get(userinfo, {"access_token": token}, headers={"Authorization": f"Bearer {token}"}),
    ):
        assert answer.status_code in (400, 401)
        assert "SubjectNameID" not in answer.text


def test_ab_us_06_a_token_ends_at_its_second(served: Served, people: Cast) -> None:
    token = people.tokens(people.client(), people.sign_in())["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    served.world.clock.advance(119)
    assert requests.get(served.oidc + "/userinfo", headers=bearer).status_code == 200
    served.world.clock.advance(1)
    assert requests.get(served.oidc + "/userinfo", headers=bearer).status_code == 401
