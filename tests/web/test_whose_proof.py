"""Whatever a journey settled counts for the person who settled it, and for nobody else at the same browser."""

import json

import pytest
import requests
from sqlalchemy import select

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc.models import Authorization
from pro_sante_connect.rpps import registry
from pro_sante_connect.rpps.models import Activite
from tests.ecps.people import CODE, Candidate, candidate
from tests.oidc.parties import Cast, activite, document, make_cast, payload
from tests.serving import Served
from tests.web.test_pages import ask, follow, returned, signed_in
from tests.web.test_sign_in import submit, to_codes

OTHER = "810000000009"


@pytest.fixture
def people(served: Served) -> Cast:
    made = make_cast(served.world)
    made.machine = served.app.extensions["psc"].machine
    return made


@pytest.fixture
def other(served: Served) -> Candidate:
    """Somebody else, with an active card."""
    return candidate(served.world, OTHER).enrol(passkey=False)


def prove(served: Served, browser: requests.Session, page: requests.Response, other: Candidate) -> requests.Response:
    """The other person signs in on this journey's page."""
    page = to_codes(served, browser, page, OTHER)
    fields = {"national_id": OTHER, "ecps_code": CODE, "otp": other.otp()}
    answer = submit(served, browser, page, "/sign-in/code", **fields)
    assert answer.status_code == 303
    return answer


def hold(browser: requests.Session, secret: str) -> None:
    """The browser holds that session from now on."""
    for one in [one for one in browser.cookies if one.name == "psc-session"]:
        browser.cookies.clear(one.domain, one.path, one.name)
    browser.cookies.set("psc-session", secret, domain="localhost.local")


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "60"}, {"prompt": "select_account"}])
def test_a_proof_of_somebody_else_does_not_make_an_old_session_fresh(
    served: Served, people: Cast, other: Candidate, asked: dict[str, str]
) -> None:
    client = people.client(asks_consent=True)
    old = signed_in(served, people).cookies["psc-session"]
    served.world.clock.advance(1200)
    browser = requests.Session()
    page = follow(served, browser, ask(served, browser, client[0], **asked))
    answer = prove(served, browser, page, other)
    hold(browser, old)
    page = browser.get(served.base + answer.headers["Location"].removesuffix("/consent"))
    assert page.status_code == 200
    assert page.url.endswith("/sign-in")
    # and the person of that session may still prove herself here
    served.world.clock.advance(31)
    page = follow(served, browser, prove(served, browser, page, other))
    members = returned(follow(served, browser, submit(served, browser, page, "/consent")))
    told = payload(document(people.redeem(client, members["code"]))["id_token"])
    assert (told["SubjectNameID"], told["auth_time"]) == (OTHER, int(served.world.now.timestamp()))


def test_an_agreement_does_not_count_for_the_next_person_of_the_journey(
    served: Served, people: Cast, other: Candidate
) -> None:
    client = people.client(asks_consent=True)
    browser = signed_in(served, people)
    page = follow(served, browser, ask(served, browser, client[0]))
    journey = page.url.removesuffix("/consent")
    assert submit(served, browser, page, "/consent").status_code == 303
    prove(served, browser, browser.get(f"{journey}/sign-in"), other)
    page = browser.get(journey)
    assert page.url.endswith("/consent")
    returned(follow(served, browser, submit(served, browser, page, "/consent")))


def test_an_agreement_does_not_count_for_another_session_put_into_the_browser(
    served: Served, people: Cast, other: Candidate
) -> None:
    client = people.client(asks_consent=True)
    browser = requests.Session()
    page = follow(served, browser, ask(served, browser, client[0], prompt="login"))
    page = follow(served, browser, prove(served, browser, page, other))
    answer = submit(served, browser, page, "/consent")
    hold(browser, signed_in(served, people).cookies["psc-session"])
    page = follow(served, browser, answer)
    assert page.url.endswith("/sign-in")


def give_activity(served: Served, person: Candidate) -> int:
    """The person has one activity."""
    with writing(served.world.engine) as db:
        row = Activite(
            practitioner_id=person.practitioner, profession="10", category="C", key="k", rank=0,
            opened_at=served.world.now,
        )  # fmt: skip
        db.add(row)
        db.flush()
        exercice = {
            "profession": "10", "category": "C", "civility": "DR", "family_name": "A", "given_name": "B",
            "savoir_faire": [], "activites": [activite(row.id, "MAISON DES EMBRUNS")],
        }  # fmt: skip
        known = registry.get(db, person.practitioner)
        known.dossier = json.dumps(registry.dossier(known) | {"exercices": [exercice]})
        return row.id


def test_a_choice_of_activity_does_not_count_for_the_next_person(
    served: Served, people: Cast, other: Candidate
) -> None:
    own = give_activity(served, other)
    client = people.client(asks_consent=False, chooses_activity=True)
    browser = signed_in(served, people)
    page = follow(served, browser, ask(served, browser, client[0]))
    journey, activity = page.url.removesuffix("/activity"), str(people.activites[1])
    submit(served, browser, page, "/activity", activity=activity)
    assert "code" in returned(prove(served, browser, browser.get(f"{journey}/sign-in"), other))
    with reading(served.world.engine) as db:
        assert db.scalars(select(Authorization.activite_id)).one() == own


def test_a_sensitive_change_wants_a_proof_of_the_session_itself(served: Served, people: Cast, other: Candidate) -> None:
    browser = signed_in(served, people)
    old = browser.cookies["psc-session"]
    served.world.clock.advance(600)
    page = browser.get(served.base + "/space/means/passkey")
    assert page.url.endswith("/sign-in")
    answer = prove(served, browser, page, other)
    hold(browser, old)
    assert browser.get(served.base + answer.headers["Location"]).url.endswith("/sign-in")
