"""Hostile authorization requests: the service hears an error with its state, or we show a page; never a 5xx."""

import json
import re
import socket
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests

from tests.oidc.parties import CALLBACK, CHALLENGE, Cast, document, payload
from tests.serving import Served
from tests.web.test_pages import ask, follow, returned, signed_in

STATE = "s-é"


def heard(served: Served, people: Cast, **changes: str) -> dict[str, str]:
    """What the service hears of a request by a browser with a session; the code never comes with an error."""
    client = people.client(asks_consent=False)
    browser = signed_in(served, people)
    members = returned(follow(served, browser, ask(served, browser, client[0], **changes)))
    assert members["iss"] == f"{served.base}/auth/realms/esante-wallet"
    assert ("code" in members) is not ("error" in members)
    return members


REFUSALS = {
    "AB-AZ-34": ({"response_type": "id_token"}, "unsupported_response_type"),
    "AB-AZ-35": ({"response_type": "id_token token"}, "unsupported_response_type"),
    "AB-AZ-36": ({"response_type": "code token"}, "unsupported_response_type"),
    "AB-AZ-37": ({"response_type": "code id_token token"}, "unsupported_response_type"),
    "AB-AZ-38": ({"response_type": "none"}, "unsupported_response_type"),
    "AB-AZ-40": ({"response_type": "CODE"}, "unsupported_response_type"),
    "AB-AZ-41": ({"response_type": "code code"}, "unsupported_response_type"),
    "AB-AZ-42 fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "AB-AZ-42 jwt": ({"response_mode": "query.jwt"}, "invalid_request"),
    "AB-AZ-46 unknown": ({"scope": "openid admin"}, "invalid_scope"),
    "AB-AZ-47": ({"scope": "openid " + " ".join(f"s{number}" for number in range(700))}, "invalid_scope"),
    "AB-AZ-53": ({"prompt": "none login"}, "invalid_request"),
    "AB-PK-02 plain": ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
    "AB-PK-02 no method": ({"code_challenge": CHALLENGE}, "invalid_request"),
    "AB-PK-02 no challenge": ({"code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 42": ({"code_challenge": CHALLENGE[1:], "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 129": ({"code_challenge": "a" * 129, "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 padding": ({"code_challenge": CHALLENGE[:-1] + "=", "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 plus": ({"code_challenge": CHALLENGE[:-1] + "+", "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 accent": ({"code_challenge": CHALLENGE[:-1] + "é", "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PK-04 line": ({"code_challenge": CHALLENGE + "\n", "code_challenge_method": "S256"}, "invalid_request"),
    "AB-PR-08 object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "AB-HT-06 deep": ({"claims": "[" * 2000 + "]" * 2000}, "invalid_request"),
    "AB-HT-06 huge number": ({"claims": '{"id_token":{"acr":' + "9" * 5000 + "}}"}, "invalid_request"),
    "AB-HT-06 no object": ({"claims": '"acr"'}, "invalid_request"),
    "AB-HT-06 too long": ({"claims": json.dumps({"id_token": {"x": "y" * 9000}})}, "invalid_request"),
    "nonce too long": ({"nonce": "n" * 513}, "invalid_request"),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_faulty_request_goes_back_with_its_error_and_state_and_no_code(
    served: Served, people: Cast, row: str
) -> None:
    changes, error = REFUSALS[row]
    members = heard(served, people, **changes)
    assert (members["error"], members["state"]) == (error, STATE)
    assert "session_state" not in members


ACCEPTED = {
    "a challenge": {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    "names without effect": {"scope": "openid scope_all email offline_access eidas2"},
    "unknown parameters": {"kc_idp_hint": "x", "approval_prompt": "auto", "next": "//evil.test"},
    "claims of no effect": {"claims": '{"userinfo":{"email":null,"sub":{"value":"x"}}}'},
    "NaN": {"claims": '{"id_token":{"x":NaN}}'},
    "a long nonce": {"nonce": "n" * 512},
}


@pytest.mark.parametrize("row", ACCEPTED)
def test_the_twin_that_is_only_unusual_gets_its_code(served: Served, people: Cast, row: str) -> None:
    assert heard(served, people, **ACCEPTED[row])["code"]


def test_ab_az_46_names_of_the_real_service_are_never_granted(served: Served, people: Cast) -> None:
    client, sid = people.client(), people.sign_in()
    tokens = people.tokens(client, sid, scope="openid email offline_access phone")
    assert tokens["scope"] == "openid"
    assert not {"email", "phone"} & set(document(people.userinfo(tokens["access_token"])))


def test_ab_az_47_a_flood_of_scopes_is_refused_unread(served: Served, people: Cast) -> None:
    flood = " ".join(["openid"] * 3000)
    by_query = ask(served, requests.Session(), people.client()[0], scope=flood)
    by_form = requests.post(served.base + "/auth", {"client_id": "x", "scope": flood * 60}, allow_redirects=False)
    for answer, status in ((by_query, 400), (by_form, 413)):
        assert answer.status_code == status
        assert "Location" not in answer.headers


STATES = ["\"'<>&", "a\r\nSet-Cookie: x=1", "é€😀\u2028", "%0d%0a%26", "a+b c", "x" * 4096, "\x07\x1b[31m"]


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_ab_az_44_a_state_comes_back_as_it_went(served: Served, people: Cast, state: str, mode: str) -> None:
    client, browser = people.client(asks_consent=False), signed_in(served, people)
    for changes in ({}, {"scope": "admin"}):
        asked = ask(served, browser, client[0], state=state, response_mode=mode, **changes)
        answer = follow(served, browser, asked)
        assert "x=1" not in answer.headers.get("Set-Cookie", "")
        if mode == "query":
            assert returned(answer)["state"] == state
            assert answer.headers["Location"].isascii()
        else:
            value = re.search(r'name="state" value="([^"]*)"', answer.text)
            assert value
            # HTML reads a line break of either kind as one line feed
            assert unescape(value[1]).replace("\r\n", "\n") == state.replace("\r\n", "\n")


def test_ab_az_44_a_state_over_the_limit_is_an_error_without_state(served: Served, people: Cast) -> None:
    members = heard(served, people, state="x" * 4097)
    assert members["error"] == "invalid_request"
    assert "state" not in members


@pytest.mark.parametrize("scheme", ["http", "https", "file", "gopher"])
def test_ab_pr_08_an_address_in_a_request_is_never_fetched(served: Served, people: Cast, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/object"
        assert heard(served, people, request_uri=address)["error"] == "request_uri_not_supported"
        for name in ("jwks_uri", "sector_identifier_uri", "logo_uri"):
            assert heard(served, people, **{name: address})["code"]
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_ab_az_55_a_login_hint_fills_the_field_and_nothing_more(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    hostile = '"><script>alert(1)</script>'
    page = follow(served, b := requests.Session(), ask(served, b, client[0], login_hint=hostile))
    assert page.status_code == 200
    assert hostile not in page.text
    browser = signed_in(served, people)
    members = returned(follow(served, browser, ask(served, browser, client[0], login_hint="899800000017")))
    tokens = document(people.redeem(client, members["code"]))
    assert payload(tokens["id_token"])["SubjectNameID"] == "899820424051"


def test_ab_az_60_two_tabs_keep_their_services_apart(served: Served, people: Cast) -> None:
    one, two = people.client(asks_consent=False), people.client(asks_consent=False)
    browser = signed_in(served, people)
    first = ask(served, browser, one[0], nonce="of-one", state="one")
    second = ask(served, browser, two[0], nonce="of-two", state="two")
    later, sooner = returned(follow(served, browser, second)), returned(follow(served, browser, first))
    assert (sooner["state"], later["state"]) == ("one", "two")
    assert document(people.redeem(two, sooner["code"]))["error"] == "invalid_grant"
    assert payload(document(people.redeem(one, sooner["code"]))["id_token"])["nonce"] == "of-one"
    assert payload(document(people.redeem(two, later["code"]))["id_token"])["nonce"] == "of-two"


@pytest.mark.parametrize("name", ["next", "return_to", "redirect", "continue", "url"])
@pytest.mark.parametrize("address", ["//evil.test", "https:evil.test", "/\\evil.test", "https://evil.test"])
def test_ab_ui_22_no_page_of_ours_sends_elsewhere(served: Served, name: str, address: str) -> None:
    for path in ("/space", "/", "/login-page", "/sign-out", "/activate", "/phone"):
        answer = requests.get(served.base + path, {name: address}, allow_redirects=False)
        assert answer.status_code < 400
        place = urlsplit(answer.headers.get("Location", ""))
        assert place.netloc in ("", urlsplit(served.base).netloc)
        assert f'action="{address}' not in answer.text


def test_ab_az_58_no_page_tells_where_it_was_nor_loads_from_elsewhere(served: Served, people: Cast) -> None:
    client = people.client()
    browser = requests.Session()
    pages = [follow(served, browser, ask(served, browser, client[0])), ask(served, browser, "nobody"),
             requests.get(served.base + "/nowhere"), requests.get(served.base + "/activate")]  # fmt: skip
    for page in pages:
        assert page.headers["Referrer-Policy"] == "no-referrer"
        for source in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert urlsplit(source).netloc in ("", urlsplit(served.base).netloc), source
    assert CALLBACK not in pages[1].text
