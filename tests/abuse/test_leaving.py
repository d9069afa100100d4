"""Sessions and their end: hints that lie, cookies that are bent or late, two at once."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.abuse.forgeries import FORGERS
from tests.oidc.parties import CHALLENGE, VERIFIER, Cast, document
from tests.serving import Served
from tests.web.test_pages import BYE, ask, follow, returned, signed_in

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "openid"}


def in_session(served: Served, people: Cast, browser: requests.Session) -> bool:
    """Whether this browser's session still opens a service silently."""
    client = people.client(asks_consent=False)
    answer = follow(served, browser, ask(served, browser, client[0], prompt="none"))
    members = returned(answer)
    assert "code" in members or members["error"] == "login_required"
    return "code" in members


def leave(served: Served, browser: requests.Session | None = None, **fields: str) -> requests.Response:
    return (browser or requests).get(served.oidc + "/logout", params=fields, allow_redirects=False)


def redeemed(served: Served, people: Cast, browser: requests.Session, client: tuple[str, str]) -> dict[str, str]:
    answer = follow(served, browser, ask(served, browser, client[0]))
    return document(people.redeem(client, returned(answer)["code"]))


def test_ab_lo_04_a_hint_of_another_session_leaves_the_browsers_own_alive(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    mine, elsewhere = signed_in(served, people), signed_in(served, people)
    hint = redeemed(served, people, elsewhere, client)["id_token"]
    assert leave(served, mine, id_token_hint=hint).status_code == 200
    assert in_session(served, people, mine)
    assert not in_session(served, people, elsewhere)


@pytest.mark.parametrize("forger", FORGERS)
def test_ab_lo_04_a_forged_hint_ends_nothing(served: Served, people: Cast, forger: str) -> None:
    client = people.client(asks_consent=False, post_logout_redirect_uris=(BYE,))
    browser = signed_in(served, people)
    hint = redeemed(served, people, browser, client)["id_token"]
    for forged in FORGERS[forger](served, hint):
        answer = leave(served, browser, id_token_hint=forged[:8000], post_logout_redirect_uri=BYE)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(served.base + "/sign-out")
        assert BYE not in browser.get(answer.headers["Location"]).headers.get("Location", "")
    assert in_session(served, people, browser)
    assert leave(served, browser, id_token_hint=hint).status_code == 200
    assert not in_session(served, people, browser)


def test_ab_lo_04_an_expired_hint_is_enough_for_the_one_profile_only(served: Served, people: Cast) -> None:
    psc = people.client(asks_consent=False)
    standard = people.client(asks_consent=False, profile="standard", scopes=("openid",))
    for client, ends in ((psc, True), (standard, False)):
        browser = signed_in(served, people)
        extra = PKCE if client is standard else {}
        code = returned(follow(served, browser, ask(served, browser, client[0], **extra)))["code"]
        verifier = {"code_verifier": VERIFIER} if extra else {}
        tokens = document(people.redeem_basic(client, code, **verifier))
        served.world.clock.advance(200)
        leave(served, browser, id_token_hint=tokens["id_token"])
        assert in_session(served, people, browser) is not ends


def test_ab_lo_05_a_hint_of_one_client_and_the_name_of_another_end_nothing(served: Served, people: Cast) -> None:
    mine = people.client(asks_consent=False, post_logout_redirect_uris=(BYE,))
    other = people.client(post_logout_redirect_uris=(BYE,))
    browser = signed_in(served, people)
    hint = redeemed(served, people, browser, mine)["id_token"]
    answer = leave(served, browser, id_token_hint=hint, client_id=other[0], post_logout_redirect_uri=BYE)
    assert answer.headers["Location"].startswith(served.base + "/sign-out")
    assert in_session(served, people, browser)
    right = leave(served, browser, id_token_hint=hint, client_id=mine[0], post_logout_redirect_uri=BYE)
    assert right.headers["Location"] == BYE


def test_ab_lo_02_without_a_hint_the_person_is_asked(served: Served, people: Cast) -> None:
    client = people.client(post_logout_redirect_uris=(BYE,))
    browser = signed_in(served, people)
    for fields in ({"client_id": client[0], "post_logout_redirect_uri": BYE}, {}):
        answer = leave(served, browser, **fields)
        assert answer.headers["Location"].startswith(served.base + "/sign-out")
        page = browser.get(answer.headers["Location"])
        assert 'action="/sign-out"' in page.text
    for form in ({}, {"csrf_token": "x"}):
        assert browser.post(served.base + "/sign-out", form).status_code == 400
    assert in_session(served, people, browser)
    token = re.findall(r'name="csrf_token" value="(\w+)"', page.text)[0]
    assert browser.post(served.base + "/sign-out", {"csrf_token": token}).status_code == 200
    assert not in_session(served, people, browser)


@pytest.mark.parametrize("state", ["<script>alert(1)</script>", "a\r\nSet-Cookie: x=1", "é&a=b#c", "x" * 4000])
def test_ab_lo_06_a_state_comes_back_encoded(served: Served, people: Cast, state: str) -> None:
    client = people.client(post_logout_redirect_uris=(BYE,))
    hint = people.tokens(client, people.sign_in())["id_token"]
    answer = leave(served, id_token_hint=hint, post_logout_redirect_uri=BYE, state=state)
    place = answer.headers["Location"]
    assert place.startswith(BYE + "?state=")
    assert place.isascii()
    assert not set("\r\n<># ") & set(place)
    assert requests.utils.unquote(place.partition("=")[2]) == state
    assert "Set-Cookie" not in answer.headers


def test_ab_lo_07_everything_ends_with_the_session(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    browser = signed_in(served, people)
    tokens = redeemed(served, people, browser, client)
    waiting = returned(follow(served, browser, ask(served, browser, client[0])))["code"]
    copy = requests.Session()
    copy.cookies.set("psc-session", browser.cookies["psc-session"], domain="localhost.local")
    assert in_session(served, people, copy)
    assert leave(served, id_token_hint=tokens["id_token"]).status_code == 200
    assert not in_session(served, people, copy)
    assert copy.get(served.base + "/space", allow_redirects=False).is_redirect
    assert people.redeem(client, waiting).status == 400  # AB-TK-11
    assert people.refresh(client, tokens["refresh_token"]).status == 400  # AB-RF-14
    assert people.userinfo(tokens["access_token"]).status == 401


def test_ab_lo_08_who_comes_next_gets_a_session_of_her_own(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    former, next_ = signed_in(served, people), signed_in(served, people)
    next_.cookies.set("psc-browser", former.cookies.get("psc-browser") or "b" * 32, domain="localhost.local")
    one, other = redeemed(served, people, former, client), redeemed(served, people, next_, client)
    assert one["session_state"] != other["session_state"]
    leave(served, id_token_hint=one["id_token"])
    assert in_session(served, people, next_)


def test_ab_lo_16_twenty_at_once_end_it_once_and_all_hear_so(served: Served, people: Cast) -> None:
    client = people.client(post_logout_redirect_uris=(BYE,))
    hint = people.tokens(client, people.sign_in())["id_token"]
    with ThreadPoolExecutor(20) as hands:
        answers = list(hands.map(lambda _: leave(served, id_token_hint=hint, post_logout_redirect_uri=BYE), range(20)))
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(303, BYE)}


def test_ab_se_01_a_cookie_ends_idle_and_at_its_limit(served: Served, people: Cast) -> None:
    idle, used = signed_in(served, people), signed_in(served, people)
    served.world.clock.advance(1799)
    assert in_session(served, people, used)
    served.world.clock.advance(1)
    assert not in_session(served, people, idle)
    for _ in range(7):
        served.world.clock.advance(1790)
        assert in_session(served, people, used)
    served.world.clock.advance(14_400 - 1800 - 7 * 1790 - 1)
    assert in_session(served, people, used)
    served.world.clock.advance(1)
    assert not in_session(served, people, used)


@pytest.mark.parametrize("bent", ["", "x", "A" * 43, "é", "a" * 5000, "' OR 1=1 --", "{}", "SAME-", "-SAME", "same"])
def test_ab_se_08_a_bent_cookie_is_nobodys(served: Served, people: Cast, bent: str) -> None:
    browser = signed_in(served, people)
    good = str(browser.cookies["psc-session"])
    value = good.swapcase() if bent == "same" else bent.replace("SAME", good)
    cookie = b"psc-session=" + value.encode()
    for path in ("/space", "/auth?client_id=x", "/sign-out", "/"):
        answer = requests.get(served.base + path, headers={"Cookie": cookie}, allow_redirects=False)
        assert answer.status_code in (200, 303, 400)
    answer = requests.get(served.base + "/space", headers={"Cookie": cookie}, allow_redirects=False)
    assert answer.headers["Location"].startswith("/journey/")
    assert browser.get(served.base + "/space", allow_redirects=False).status_code == 200


def test_ab_rf_05_refresh_and_revocation_at_once_leave_nothing_alive(served: Served, people: Cast) -> None:
    client = people.client()
    for _ in range(10):
        tokens = people.tokens(client, people.sign_in())
        held = tokens["refresh_token"]
        revoke = {"token": held}
        refresh = {"grant_type": "refresh_token", "refresh_token": held}
        with ThreadPoolExecutor(2) as hands:
            given = hands.submit(requests.post, served.oidc + "/token", refresh, auth=client)
            taken = hands.submit(requests.post, served.oidc + "/revoke", revoke, auth=client)
        assert taken.result().status_code == 200
        new = given.result().json()
        if given.result().status_code == 200:
            assert people.refresh(client, new["refresh_token"]).status == 400
            assert people.userinfo(new["access_token"]).status == 401
        assert people.userinfo(tokens["access_token"]).status == 401
    assert people.refresh(client, people.tokens(client, people.sign_in())["refresh_token"]).status == 200


def test_ab_rf_07_a_public_clients_token_is_no_other_clients(served: Served, people: Cast) -> None:
    public = {"profile": "standard", "scopes": ("openid",), "token_endpoint_auth_method": "none"}
    mine, other = people.client(**public)[0], people.client(**public)[0]
    code = people.code(mine, people.sign_in(), **PKCE)
    tokens = document(people.redeem((mine, ""), code, code_verifier=VERIFIER))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    stranger = requests.post(served.oidc + "/token", form | {"client_id": other})
    assert stranger.json()["error"] == "invalid_grant"
    assert requests.post(served.oidc + "/token", form | {"client_id": mine}).status_code == 200
