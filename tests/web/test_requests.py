"""What an authorization request asks for, and what the service hears: over HTTP, in one browser."""

import base64
import json
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.rpps.models import Practitioner
from tests.oidc.parties import NATIONAL_ID, Cast, document, payload
from tests.serving import Served
from tests.web.test_pages import ask, follow, returned
from tests.web.test_sign_in import CODE, Holder, holder, submit, to_codes

__all__ = ["holder"]
STATE = "s-é"


def prove(holder: Holder, browser: requests.Session, page: requests.Response) -> requests.Response:
    """From the sign-in page by e-CPS code and one-time code (eidas2), to whatever follows."""
    holder.served.world.clock.advance(30)
    page = to_codes(holder.served, browser, page, NATIONAL_ID)
    codes = {"ecps_code": CODE, "otp": holder.otp()}
    sent = submit(holder.served, browser, page, "/sign-in/code", national_id=NATIONAL_ID, **codes)
    return follow(holder.served, browser, sent)


def asked(holder: Holder, browser: requests.Session, client: str, **changes: str) -> requests.Response:
    return follow(holder.served, browser, ask(holder.served, browser, client, **changes))


def signs_in(page: requests.Response) -> bool:
    return page.status_code == 200 and page.url.endswith("/sign-in")


def signed_in(holder: Holder, client: str) -> requests.Session:
    """A browser whose person proved herself a moment ago."""
    browser = requests.Session()
    assert "code" in returned(prove(holder, browser, asked(holder, browser, client)))
    return browser


def refusal(served: Served, answer: requests.Response) -> str:
    """The error the service hears, with everything that must come with it."""
    members = returned(answer)
    assert set(members) == {"error", "error_description", "state", "iss"}
    assert (members["state"], members["iss"]) == (STATE, f"{served.base}/auth/realms/esante-wallet")
    return members["error"]


def identity(holder: Holder, client: tuple[str, str], answer: requests.Response) -> dict[str, Any]:
    """Claims of the ID token that the answer's code opens."""
    members = returned(answer)
    assert (members["state"], members["iss"]) == (STATE, f"{holder.served.base}/auth/realms/esante-wallet")
    return payload(document(holder.people.redeem(client, members["code"]))["id_token"])


def somebody_else(people: Cast) -> Cast:
    """Another person of the registry."""
    with writing(people.world.engine) as db:
        known = db.get_one(Practitioner, people.practitioner)
        number = "899800000017"
        other = Practitioner(
            national_id=number, id_type="8", identifier=number[1:], origin="extract", civility="M",
            family_name="TABOURET", given_name="ELOI", folded_name="tabouret eloi", digest="d",
            dossier=known.dossier.replace(NATIONAL_ID, number), present_since=known.present_since,
            changed_at=known.changed_at,
        )  # fmt: skip
        db.add(other)
        db.flush()
        return replace(people, practitioner=other.id)


def forged(hint: str) -> dict[str, str]:
    """Hints that name the right person and are not ours."""
    head, claims = (json.loads(_decoded(part)) for part in hint.split(".")[:2])
    foreign = RSAKey.generate_key(2048)
    unsigned = hint.split(".")[1]
    return {
        "another key under our kid": jwt.encode({"alg": "RS256", "kid": head["kid"]}, claims, foreign),
        "no signature": f"eyJhbGciOiJub25lIn0.{unsigned}.",
        "cut": hint[:-4],
        "words": "not a token",
    }


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_hint_of_the_same_person_is_silent_and_any_other_signs_nobody_in(holder: Holder) -> None:
    people, served = holder.people, holder.served
    client = people.client(asks_consent=False)
    mine = people.tokens(client, people.sign_in())
    other = somebody_else(people)
    theirs = other.tokens(client, other.sign_in())["id_token"]
    browser = signed_in(holder, client[0])
    served.world.clock.advance(200)  # a hint is a hint however old
    silent = {"prompt": "none"}
    kept = asked(holder, browser, client[0], id_token_hint=mine["id_token"], **silent)
    assert identity(holder, client, kept)["SubjectNameID"] == NATIONAL_ID
    for name, hint in {"other": theirs, "access token": mine["access_token"], **forged(mine["id_token"])}.items():
        answer = asked(holder, browser, client[0], id_token_hint=hint, **silent)
        assert refusal(served, answer) == "login_required", name
    page = asked(holder, browser, client[0], id_token_hint=theirs)
    assert signs_in(page)
    assert refusal(served, prove(holder, browser, page)) == "login_required"  # proved, and still somebody else


def test_max_age_asks_for_a_proof_that_is_young_enough(holder: Holder) -> None:
    client = holder.people.client(asks_consent=False)
    browser = signed_in(holder, client[0])
    before = identity(holder, client, asked(holder, browser, client[0]))["auth_time"]
    holder.served.world.clock.advance(100)
    for max_age, silent in (("101", True), ("100", True), ("99", False), ("0", False)):
        answer = asked(holder, browser, client[0], max_age=max_age, prompt="none")
        assert ("code" in returned(answer)) is silent, max_age
    for max_age in ("99", "0"):
        page = asked(holder, browser, client[0], max_age=max_age)
        assert signs_in(page)
        assert identity(holder, client, prove(holder, browser, page))["auth_time"] > before
    for nonsense in ("-1", "1.5", "é", "1" * 10):
        assert refusal(holder.served, asked(holder, browser, client[0], max_age=nonsense)) == "invalid_request"


def test_prompt_login_asks_once_and_keeps_the_session(holder: Holder) -> None:
    client = holder.people.client(asks_consent=False)
    browser = signed_in(holder, client[0])
    before = identity(holder, client, asked(holder, browser, client[0]))
    secret = browser.cookies["psc-session"]
    page = asked(holder, browser, client[0], prompt="login")
    assert signs_in(page)
    after = identity(holder, client, prove(holder, browser, page))
    assert after["auth_time"] > before["auth_time"]
    assert after["sid"] == before["sid"]
    assert browser.cookies["psc-session"] != secret


@pytest.mark.parametrize(
    ("wish", "changes", "error"),
    [
        ({"asks_consent": True}, {}, "consent_required"),
        ({"asks_consent": False, "chooses_activity": True}, {}, "interaction_required"),
        ({"asks_consent": False}, {"max_age": "0"}, "login_required"),
        ({"asks_consent": False}, {"acr_values": "eidas3"}, "login_required"),
    ],
)
def test_prompt_none_says_what_would_have_been_shown(
    holder: Holder, wish: dict[str, bool], changes: dict[str, str], error: str
) -> None:
    client = holder.people.client(**wish)
    browser = signed_in(holder, holder.people.client(asks_consent=False)[0])
    assert refusal(holder.served, asked(holder, browser, client[0], prompt="none", **changes)) == error
    assert not asked(holder, browser, client[0], **changes).is_redirect  # without prompt=none the page is shown
    stranger = asked(holder, requests.Session(), client[0], prompt="none", **changes)
    assert refusal(holder.served, stranger) == "login_required"
    both = asked(holder, browser, client[0], prompt="none login", **changes)
    assert refusal(holder.served, both) == "invalid_request"


def test_prompt_consent_asks_again_what_is_remembered(holder: Holder) -> None:
    people, client = holder.people, holder.people.client()
    with writing(people.world.engine) as db:
        scope = "openid profile scope_all identity"
        consent.remember(db, people.practitioner, client[0], scope, origin=SYSTEM, now=people.world.now)
    browser = signed_in(holder, client[0])
    for _ in range(2):
        page = asked(holder, browser, client[0], prompt="consent")
        assert page.url.endswith("/consent")
        agreed = follow(holder.served, browser, submit(holder.served, browser, page, "/consent"))
        assert "code" in returned(agreed)
    page = asked(holder, browser, client[0], prompt="consent")
    assert refusal(holder.served, submit(holder.served, browser, page, "/cancel")) == "access_denied"


def test_a_stronger_level_is_asked_for_and_never_pretended(holder: Holder) -> None:
    client = holder.people.client(asks_consent=False)
    browser = signed_in(holder, client[0])
    assert identity(holder, client, asked(holder, browser, client[0], acr_values="eidas2"))["acr"] == "eidas2"
    assert identity(holder, client, asked(holder, browser, client[0], acr_values="eidas1"))["acr"] == "eidas1"
    preferred = asked(holder, browser, client[0], acr_values="eidas3 eidas1")
    assert identity(holder, client, preferred)["acr"] == "eidas1"
    page = asked(holder, browser, client[0], acr_values="eidas3")
    assert signs_in(page)
    assert refusal(holder.served, prove(holder, browser, page)) == "unmet_authentication_requirements"
    floor = holder.people.client(asks_consent=False, minimum_acr="eidas3")
    assert signs_in(asked(holder, browser, floor[0], acr_values="eidas1"))


@pytest.mark.parametrize(
    ("acr", "met"),
    [
        ({"essential": True, "values": ["eidas2"]}, "eidas2"),
        ({"essential": True, "value": "eidas1"}, "eidas1"),
        ({"values": ["eidas9", "eidas2"]}, "eidas2"),
        ({"values": ["eidas9"]}, "eidas1"),  # voluntary and unknown: the service's default
        (None, "eidas1"),
        ({"essential": True, "values": ["eidas9"]}, ""),
        ({"essential": True, "value": "loa4"}, ""),
    ],
)
def test_acr_may_be_asked_for_by_the_claims_parameter(holder: Holder, acr: Any, met: str) -> None:
    client = holder.people.client(asks_consent=False)
    browser = signed_in(holder, client[0])
    claims = json.dumps({"id_token": {"acr": acr}, "userinfo": {"email": None}})
    answer = asked(holder, browser, client[0], claims=claims, acr_values="", prompt="none")
    if met:
        assert identity(holder, client, answer)["acr"] == met
    else:
        assert refusal(holder.served, answer) == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("locales", "shown"), [("en", "en"), ("de en-GB fr", "en"), ("fr-CA", "fr"), ("de", "fr"), ("", "fr")]
)
def test_pages_speak_the_first_language_of_the_request_that_we_speak(holder: Holder, locales: str, shown: str) -> None:
    page = asked(holder, requests.Session(), holder.people.client()[0], ui_locales=locales)
    assert f'<html lang="{shown}"' in page.text


def posted(page: requests.Response) -> dict[str, str]:
    """The members of an answer by form post, as the browser would send them."""
    assert 'action="https://dossier.example/callback"' in page.text
    assert "Location" not in page.headers
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def test_form_post_brings_the_same_members_good_or_bad(holder: Holder) -> None:
    client = holder.people.client(asks_consent=False)
    browser = signed_in(holder, client[0])
    issuer = f"{holder.served.base}/auth/realms/esante-wallet"
    good = posted(asked(holder, browser, client[0], response_mode="form_post"))
    assert set(good) == {"code", "state", "session_state", "iss"}
    assert (good["state"], good["iss"]) == (STATE, issuer)
    assert holder.people.redeem(client, good["code"]).status == 200
    for changes, error in (({"scope": "openid admin"}, "invalid_scope"), ({"max_age": "0"}, "login_required")):
        bad = posted(asked(holder, browser, client[0], response_mode="form_post", prompt="none", **changes))
        assert (bad["error"], bad["state"], bad["iss"]) == (error, STATE, issuer)
    for mode in ("fragment", "web_message", "query.jwt", "jwt"):
        assert refusal(holder.served, asked(holder, browser, client[0], response_mode=mode)) == "invalid_request"
