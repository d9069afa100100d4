"""Sign in by e-CPS code and one-time code, with forms alone; then the activity, the consent, the service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.ecps import pin, totp
from pro_sante_connect.ecps.models import ACTIVE, Card
from pro_sante_connect.rpps import decisions, registry
from tests.oidc.parties import CHALLENGE, NATIONAL_ID, VERIFIER, Cast, document, make_cast, payload
from tests.serving import Served, serving
from tests.web.test_pages import ask, follow, returned, signed_in

CODE = "7294"


@dataclass
class Holder:
    """The practitioner with an active card: e-CPS code and a one-time secret."""

    served: Served
    people: Cast
    secret: str

    def otp(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.served.world.now.timestamp()))


@pytest.fixture
def holder(engine: Engine) -> Iterator[Holder]:
    with serving(engine) as served:
        people, world = make_cast(served.world), served.world
        people.machine = served.app.extensions["psc"].machine
        sealed = pin.seal(world.dep.vault, CODE, chance=world.chance)
        with writing(engine) as db:
            card = Card(
                practitioner_id=people.practitioner, holder=world.chance.token(32), state=ACTIVE, pin=sealed,
                made_at=world.now, expires_at=world.now.replace(year=2033),
            )  # fmt: skip
            db.add(card)
            db.flush()
            offer = totp.offer(db, card, vault=world.dep.vault, chance=world.chance, service="Test", now=world.now)
            db.flush()
            first = pyotp.TOTP(offer.secret).at(int(world.now.timestamp()))
            assert totp.confirm(db, card, first, vault=world.dep.vault, now=world.now) is not None
        world.clock.advance(30)
        yield Holder(served, people, offer.secret)


def submit(served: Served, browser: requests.Session, page: requests.Response, form: str, **fields: str):
    """Send the form of a page whose action ends with `form`, keeping its hidden fields."""
    match = re.search(rf'<form[^>]*action="([^"]*{form})"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    assert match, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', match[2]))
    return browser.post(served.base + match[1], data=hidden | fields, allow_redirects=False)


def to_codes(served: Served, browser: requests.Session, page: requests.Response, number: str) -> requests.Response:
    """From the sign-in page to the code page."""
    return follow(served, browser, submit(served, browser, page, "/sign-in", national_id=number))


def test_a_clinician_signs_in_chooses_agrees_and_lands_in_the_service(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    client = holder.people.client(chooses_activity=True)
    page = follow(served, browser, ask(served, browser, client[0]))
    assert "Vous ouvrez\xa0: Dossier" in page.text
    page = to_codes(served, browser, page, NATIONAL_ID[1:])
    assert f'value="{NATIONAL_ID[1:]}"' in page.text
    answer = submit(
        served, browser, page, "/sign-in/code", national_id=NATIONAL_ID[1:], ecps_code=CODE, otp=holder.otp()
    )
    page = follow(served, browser, answer)
    assert "CLINIQUE / DE LA LANTERNE" in page.text
    wrong = submit(served, browser, page, "/activity", activity="999")
    assert wrong.status_code == 422
    assert "CLINIQUE / DE LA LANTERNE" in wrong.text
    answer = submit(served, browser, page, "/activity", activity=str(holder.people.activites[1]))
    page = follow(served, browser, answer)
    assert "Dossier recevra\xa0:" in page.text
    members = returned(follow(served, browser, submit(served, browser, page, "/consent")))
    tokens = document(holder.people.redeem(client, members["code"]))
    identity = payload(tokens["id_token"])
    assert (identity["SubjectNameID"], identity["authMode"]) == (NATIONAL_ID, "MOBILE")
    assert identity["amr"] == ["pin", "otp", "mfa"]
    # a second visit is silent: same session, same consent; only the activity is asked again
    page = follow(served, browser, ask(served, browser, client[0]))
    members = returned(
        follow(served, browser, submit(served, browser, page, "/activity", activity=str(holder.people.activites[0])))
    )
    assert "code" in members


@pytest.mark.parametrize(
    ("profile", "told"),
    [("psc", {"CABINET DU PHARE", "CLINIQUE / DE LA LANTERNE"}), ("standard", {"CLINIQUE / DE LA LANTERNE"})],
)
def test_the_consent_shows_the_practices_that_the_service_will_get(
    holder: Holder, profile: str, told: set[str]
) -> None:
    served, people = holder.served, holder.people
    wish = {"profile": profile, "chooses_activity": True, "scopes": ("openid", "scope_all")}
    client, browser = people.client(**wish), signed_in(served, people)
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    page = follow(served, browser, ask(served, browser, client[0], **proof))
    page = follow(served, browser, submit(served, browser, page, "/activity", activity=str(people.activites[1])))
    places = {"CABINET DU PHARE", "CLINIQUE / DE LA LANTERNE"}
    assert {place for place in places if place in page.text} == told
    members = returned(follow(served, browser, submit(served, browser, page, "/consent")))
    tokens = document(people.redeem_basic(client, members["code"], code_verifier=VERIFIER))
    learnt = people.userinfo(tokens["access_token"]).body.decode()
    assert {place for place in places if place in learnt} == told


def test_the_journal_and_the_own_history_name_the_service_of_each_sign_in(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    client = holder.people.client(asks_consent=False)[0]
    page = to_codes(served, browser, follow(served, browser, ask(served, browser, client)), NATIONAL_ID)
    for code in ("0000", CODE):
        answer = submit(
            served, browser, page, "/sign-in/code", national_id=NATIONAL_ID, ecps_code=code, otp=holder.otp()
        )
    follow(served, browser, answer)
    with reading(served.world.engine) as db:
        trail = journal.trail(db, registry.subject(holder.people.practitioner))
    tries = [(entry.event, entry.client, entry.address) for entry in trail if entry.event.startswith("sign-in")]
    assert tries == [("sign-in:succeeded", client, "127.0.0.1"), ("sign-in:refused", client, "127.0.0.1")]
    history = browser.get(served.base + "/space/history?lang=en").text
    for told in ("Sign-in", "Sign-in refused"):
        assert re.search(rf'<th scope="row">{told}</th>\s*<td>Dossier, ', history)


def test_a_used_one_time_code_opens_nothing_again(holder: Holder) -> None:
    served, client = holder.served, holder.people.client(asks_consent=False)
    used = holder.otp()
    for expected in (303, 422):
        browser = requests.Session()
        page = to_codes(served, browser, follow(served, browser, ask(served, browser, client[0])), NATIONAL_ID)
        answer = submit(served, browser, page, "/sign-in/code", national_id=NATIONAL_ID, ecps_code=CODE, otp=used)
        assert answer.status_code == expected


@pytest.mark.parametrize("number", [NATIONAL_ID, "899820424099", "nobody"])
def test_wrong_codes_sound_the_same_for_everybody_and_pause_after_five(holder: Holder, number: str) -> None:
    served, browser = holder.served, requests.Session()
    page = follow(served, browser, ask(served, browser, holder.people.client()[0], ui_locales="en"))
    page = to_codes(served, browser, page, number)
    for tries_left in (4, 3, 2, 1):
        page = submit(served, browser, page, "/sign-in/code", national_id=number, ecps_code="0000", otp="000000")
        assert page.status_code == 422
        assert f"Tries left: {tries_left}." in page.text
        assert f'value="{number}"' in page.text
    for _ in range(2):
        page = submit(served, browser, page, "/sign-in/code", national_id=number, ecps_code=CODE, otp="x")
        assert page.status_code == 429
        assert "paused for 1 min" in page.text


def test_a_stranger_does_not_pause_codes_in_the_browser_where_the_person_signs_in(holder: Holder) -> None:
    served, client = holder.served, holder.people.client(asks_consent=False)

    def attempt(browser: requests.Session, code: str) -> int:
        page = follow(served, browser, ask(served, browser, client[0], prompt="login"))
        page = to_codes(served, browser, page, NATIONAL_ID)
        fields = {"national_id": NATIONAL_ID, "ecps_code": code, "otp": holder.otp()}
        return int(submit(served, browser, page, "/sign-in/code", **fields).status_code)

    mine, theirs = requests.Session(), requests.Session()
    assert attempt(mine, CODE) == 303
    assert [attempt(theirs, "0000") for _ in range(5)] == [422, 422, 422, 422, 429]
    served.world.clock.advance(30)
    assert attempt(theirs, "0000") == 429
    assert attempt(requests.Session(), CODE) == 429
    assert attempt(mine, CODE) == 303


def test_a_stopped_practitioner_is_told_only_after_the_proof(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    with writing(served.world.engine) as db:
        person = registry.get(db, holder.people.practitioner)
        decisions.suspend(db, person, reason="SECU", origin=SYSTEM, now=served.world.now)
    page = follow(served, browser, ask(served, browser, holder.people.client()[0]))
    page = to_codes(served, browser, page, NATIONAL_ID)
    wrong = submit(served, browser, page, "/sign-in/code", national_id=NATIONAL_ID, ecps_code="0000", otp="000000")
    assert wrong.status_code == 422
    told = submit(served, browser, page, "/sign-in/code", national_id=NATIONAL_ID, ecps_code=CODE, otp=holder.otp())
    assert told.status_code == 403
    assert "depuis le 5 mars 2030" in told.text


def test_cancelling_goes_back_to_the_service(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    page = follow(served, browser, ask(served, browser, holder.people.client()[0]))
    members = returned(submit(served, browser, page, "/cancel"))
    assert members["error"] == "access_denied"


def test_a_form_of_another_browser_is_refused(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    page = follow(served, browser, ask(served, browser, holder.people.client()[0]))
    page = to_codes(served, browser, page, NATIONAL_ID)
    action = re.search(r'action="([^"]*/sign-in/code)"', page.text)
    assert action
    for headers in ({}, {"Origin": "https://evil.test"}):
        answer = browser.post(served.base + action[1], data={"national_id": NATIONAL_ID}, headers=headers)
        assert answer.status_code == 400


def test_passkey_options_are_for_this_browser_and_a_bad_answer_is_worded(holder: Holder) -> None:
    served, browser = holder.served, requests.Session()
    page = follow(served, browser, ask(served, browser, holder.people.client()[0]))
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    address = re.search(r'data-options="([^"]+)"', page.text)
    assert address
    for sent in ({"national_id": ""}, {"national_id": NATIONAL_ID}):
        answer = browser.post(served.base + address[1], json=sent, headers={"X-CSRF-Token": token})
        assert answer.json()["userVerification"] == "required"
    refused = submit(served, browser, page, "/sign-in/passkey", credential="{}")
    assert refused.status_code == 422
    assert "clé d’accès" in refused.text


def test_the_home_page_says_what_this_is(holder: Holder) -> None:
    for path in ("/", "/login-page"):
        assert "Connexion des professionnels de santé" in requests.get(holder.served.base + path).text
