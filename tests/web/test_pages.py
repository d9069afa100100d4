"""Authorize, dispatcher, logout and refusals, as a browser meets them."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.models import Client, Interaction
from pro_sante_connect.oidc.requests import session as sessions
from tests.oidc.parties import CALLBACK, Cast, document, make_cast
from tests.serving import Served

BYE = "https://dossier.example/bye"


@pytest.fixture
def people(served: Served) -> Cast:
    return make_cast(served.world)


def ask(served: Served, browser: requests.Session, client: str, **changes: str) -> requests.Response:
    parameters = {
        "client_id": client, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid scope_all",
        "acr_values": "eidas1", "state": "s-é", "nonce": "n",
    } | changes  # fmt: skip
    return browser.get(served.base + "/auth", params=parameters, allow_redirects=False)


def follow(served: Served, browser: requests.Session, answer: requests.Response) -> requests.Response:
    """Walk our own redirects; stop at a page or at the service."""
    while answer.is_redirect and not answer.headers["Location"].startswith("https://"):
        address = answer.headers["Location"]
        answer = browser.get(address if address.startswith("http") else served.base + address, allow_redirects=False)
    return answer


def returned(answer: requests.Response) -> dict[str, str]:
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def signed_in(served: Served, people: Cast) -> requests.Session:
    """A browser that holds a session, as a proof would have left it."""
    proof = Authentication(
        practitioner=people.practitioner, mode=Mode.MOBILE, methods=("hwk",), level=Level.EIDAS2, means="passkey:1",
        at=served.world.now,
    )  # fmt: skip
    with writing(served.world.engine) as db:
        begun = sessions.begin(
            db, proof, former=None, device="", lifetimes=served.world.dep.settings.lifetimes,
            chance=served.world.chance, now=served.world.now,
        )  # fmt: skip
    browser = requests.Session()
    browser.cookies.set("psc-session", begun.secret, domain="localhost.local")
    return browser


def test_a_session_opens_a_service_silently_and_only_once(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    browser = signed_in(served, people)
    answer = ask(served, browser, client[0])
    assert answer.status_code == 303
    members = returned(answer)
    assert set(members) == {"code", "state", "session_state", "iss"}
    assert (members["state"], members["iss"]) == ("s-é", served.base + "/auth/realms/esante-wallet")
    people.machine = served.app.extensions["psc"].machine
    assert people.redeem(client, members["code"]).status == 200
    with reading(served.world.engine) as db:
        journey = db.scalars(select(Interaction.id)).one()
    assert browser.get(f"{served.base}/journey/{journey}").status_code == 404


def test_another_browser_cannot_continue_a_journey(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    first = ask(served, requests.Session(), client[0])
    stranger = signed_in(served, people)
    assert stranger.get(served.base + first.headers["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid admin"}, "invalid_scope"),
    ],
)
def test_errors_travel_back_with_state_and_iss(
    served: Served, people: Cast, changes: dict[str, str], error: str
) -> None:
    browser = requests.Session()
    members = returned(follow(served, browser, ask(served, browser, people.client()[0], **changes)))
    assert members["error"] == error
    assert members["error_description"]
    assert members["state"] == "s-é"
    assert members["iss"].startswith(served.base)


def test_an_unproven_client_or_address_is_a_page(served: Served, people: Cast) -> None:
    client = people.client()[0]
    browser = requests.Session()
    for answer in (
        ask(served, browser, "nobody"),
        ask(served, browser, client, redirect_uri="https://evil.test/cb"),
        ask(served, browser, client, redirect_uri="https://evil.test/cb", prompt="none"),
        browser.post(served.base + "/auth/", data={"client_id": client, "redirect_uri": "https://evil.test"}),
    ):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert 'href="https://evil' not in answer.text
        assert "Référence" in answer.text


def test_a_service_disabled_a_moment_ago_opens_no_page_and_gets_no_code(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)[0]
    browser = signed_in(served, people)
    page = follow(served, browser, ask(served, browser, client, prompt="login"))
    assert page.status_code == 200
    with writing(served.world.engine) as db:
        registration.disable(db, db.get_one(Client, client), origin=SYSTEM, now=served.world.now)
    assert ask(served, browser, client).status_code == 400
    for address in (page.url, page.url.removesuffix("/sign-in")):
        answer = browser.get(address, allow_redirects=False)
        assert answer.status_code == 400
        assert "Location" not in answer.headers


def test_the_answer_can_be_a_form_that_escapes_what_it_carries(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    browser = signed_in(served, people)
    hostile = '"><script>alert(1)</script>'
    answer = follow(served, browser, ask(served, browser, client[0], response_mode="form_post", state=hostile))
    assert answer.status_code == 200
    assert hostile not in answer.text
    assert 'name="code"' in answer.text
    assert answer.headers["Content-Security-Policy"].endswith("form-action 'self' https://dossier.example")


def test_every_page_carries_the_headers(served: Served) -> None:
    answer = requests.get(served.base + "/nowhere?lang=en")
    assert answer.status_code == 404
    assert 'lang="en"' in answer.text
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"):
        assert name in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    as_json = requests.get(served.base + "/nowhere", headers={"Accept": "application/json"})
    assert as_json.json()["error"] == "page-unknown"


def test_an_expired_hint_ends_the_session_for_all_and_is_answered_a_month_later(served: Served, people: Cast) -> None:
    people.machine = served.app.extensions["psc"].machine
    client, other = people.client(post_logout_redirect_uris=(BYE,)), people.client()
    sid = people.sign_in()
    mine, theirs = people.tokens(client, sid), people.tokens(other, sid)
    served.world.clock.advance(200)  # the hint has expired, the session lives
    parameters = {"id_token_hint": mine["id_token"], "post_logout_redirect_uri": BYE, "state": "a&é"}
    for attempt in (requests.get, requests.post):
        place = "params" if attempt is requests.get else "data"
        answer = attempt(served.oidc + "/logout", **{place: parameters}, allow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["Location"] == BYE + "?state=a%26%C3%A9"
    assert document(people.refresh(other, theirs["refresh_token"]))["error"] == "invalid_grant"
    served.world.clock.advance(30 * 86_400)  # a month later the session is long gone: still an answer, never an error
    late = requests.get(served.oidc + "/logout", params=parameters, allow_redirects=False)
    assert late.headers["Location"] == BYE + "?state=a%26%C3%A9"
    alone = requests.get(served.oidc + "/logout", params={"id_token_hint": mine["id_token"]})
    assert alone.status_code == 200
    assert "Session fermée" in alone.text


def test_without_a_good_hint_nothing_ends_before_the_click(served: Served, people: Cast) -> None:
    client = people.client(post_logout_redirect_uris=(BYE,))
    browser = signed_in(served, people)
    parameters = {"client_id": client[0], "post_logout_redirect_uri": BYE}
    question = browser.get(served.oidc + "/logout", params=parameters)
    assert question.status_code == 200
    assert 'action="/sign-out"' in question.text
    silent = ask(served, browser, client[0], prompt="none", scope="openid")
    assert returned(follow(served, browser, silent))["error"] == "consent_required"
    forged = browser.post(served.base + "/sign-out", data=parameters)
    assert forged.status_code == 400
    token = question.text.split('name="csrf_token" value="')[1].split('"')[0]
    done = browser.post(served.base + "/sign-out", data=parameters | {"csrf_token": token}, allow_redirects=False)
    assert done.headers["Location"] == BYE
    silent = ask(served, browser, client[0], prompt="none")
    assert returned(follow(served, browser, silent))["error"] == "login_required"
