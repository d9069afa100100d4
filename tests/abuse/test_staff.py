"""The rows of the abuse matrix on the staff console (AB-RG)."""

import json
import re
from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import Engine, select

from pro_sante_connect.access.models import Account
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.database import reading, writing
from tests.access.clerk import Clerk, clerk
from tests.oidc.parties import NATIONAL_ID, Cast, make_cast
from tests.serving import Served, serving
from tests.web.test_pages import signed_in


@pytest.fixture
def served(engine: Engine) -> Iterator[Served]:
    with serving(engine) as running:
        yield running


@pytest.fixture
def people(served: Served) -> Cast:
    return make_cast(served.world)


def pages(person: int) -> list[str]:
    return [
        "/staff", "/staff/people", f"/staff/people/{person}", "/staff/people/999999", "/staff/approvals",
        f"/staff/people/{person}/decide/suspension", "/staff/approvals/1", "/staff/journal", "/staff/journal.csv",
        "/staff/loads", "/staff/loads/1", "/staff/members", "/staff/anomalies", "/staff/anomalies.csv",
        "/staff/anomalies/1",
    ]  # fmt: skip


def posts(person: int) -> list[str]:
    return [
        f"/staff/people/{person}/decide/suspension", f"/staff/people/{person}/decide/strike-off", "/staff/members",
        f"/staff/people/{person}/sessions/end", "/staff/approvals/1", "/staff/members/1/retire",
        "/staff/members/1/link", "/staff/grants/1/end", "/staff/anomalies/1", "/staff/sign-out",
    ]  # fmt: skip


def test_ab_rg_01_nobody_but_staff_enters_and_unknown_looks_the_same(served: Served, people: Cast) -> None:
    clerk(served, "ada", "administrator", "supervisor")
    for browser in (requests.Session(), signed_in(served, people)):
        for path in pages(people.practitioner):
            answer = browser.get(served.base + path, allow_redirects=False)
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/staff/sign-in"), path
        token = re.findall(r'name="csrf_token" value="(\w+)"', browser.get(served.base + "/staff/sign-in").text)[0]
        for path in posts(people.practitioner):
            answer = browser.post(served.base + path, {"csrf_token": token}, allow_redirects=False)
            assert answer.status_code == 303, path
            assert answer.headers["Location"].startswith("/staff/sign-in"), path
            assert browser.post(served.base + path, {}, allow_redirects=False).status_code == 400, path


def test_ab_rg_02_a_reader_writes_nothing(served: Served, people: Cast) -> None:
    who = clerk(served, "lea", "reader")
    who.open("/staff")
    token = re.findall(r'name="csrf_token" value="(\w+)"', who.page.text)[0]
    for path in posts(people.practitioner)[:-1]:
        answer = who.visitor.session.post(
            served.base + path, {"csrf_token": token, "reason": "DISC", "confirmed": "1"}, allow_redirects=False
        )
        assert answer.status_code in (403, 404), path


HOSTILE = (
    "' OR 1=1--", "%_", "[a-z]{1,100000}", "x\x00y", "; DROP TABLE practitioners", "\\", "🙂" * 300, '"', "_" * 200,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_ab_rg_04_what_is_searched_for_is_text_and_no_pattern(served: Served, people: Cast, text: str) -> None:
    who = clerk(served, "lea", "reader")
    page = who.visitor.session.get(served.base + "/staff/people", params={"q": text}, timeout=10)
    assert page.status_code == (400 if "\0" in text else 200)
    assert NATIONAL_ID not in page.text


@pytest.mark.parametrize("before", ["-1", "1e9", "0x10", "99999999999999999999", "1;DROP", "'", "٣"])
def test_ab_rg_05_a_forged_place_in_the_journal_is_a_page_of_it_or_none(served: Served, before: str) -> None:
    who = clerk(served, "ada", "auditor")
    page = who.visitor.session.get(served.base + "/staff/journal", params={"before": before}, timeout=10)
    assert page.status_code == 200
    assert page.text.count("<tr>") <= 101


def test_ab_rg_06_no_cell_of_an_export_is_a_formula(served: Served) -> None:
    who = clerk(served, "ada", "auditor")
    with writing(served.world.engine) as db:
        for word in ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx"):
            journal.record(db, Event.CLIENT_CHANGED, word, now=served.world.now)
    rows = who.open("/staff/journal.csv?event=client:changed").splitlines()[1:]
    assert len(rows) == 5
    assert all(row.split(",")[2].strip('"').startswith("'") for row in rows)


def test_ab_rg_17_the_journal_has_no_verb_that_changes_it(served: Served) -> None:
    who = clerk(served, "ada", "auditor", "administrator")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/staff/journal", "/staff/journal.csv"):
            assert who.visitor.session.request(method, served.base + path, timeout=10).status_code in (400, 405)


def test_ab_rg_19_there_is_no_account_that_nobody_invited(served: Served) -> None:
    with reading(served.world.engine) as db:
        assert db.scalars(select(Account)).all() == []


def test_ab_rg_20_without_user_verification_no_passkey_opens(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = clerk(served, "lea", "reader")
    monkeypatch.setattr("pro_sante_connect.demo.passkey.SEEN", 0x01)
    other = Clerk(served, who.account, who.token, passkey=who.passkey)
    other.sign_in()
    assert other.page.status_code == 422


@pytest.mark.parametrize("credential", ["", "{", "[]", "null", json.dumps({"id": "x"}), "x" * 40_000])
def test_a_broken_answer_of_an_authenticator_is_refused_and_told_to_the_journal(
    served: Served, credential: str
) -> None:
    who = clerk(served, "lea", "reader")
    other = Clerk(served, who.account, who.token)
    other.open("/staff/sign-in")
    other.visitor.send("/staff/sign-in", credential=credential)
    assert other.page.status_code == 422
    with reading(served.world.engine) as db:
        assert [one.facts for one in journal.trail(db, "account:unknown")] == [{"reason": "passkey-refused"}]


def test_a_challenge_answers_once_and_in_its_own_browser(served: Served) -> None:
    who = clerk(served, "lea", "reader")
    other = Clerk(served, who.account, who.token, passkey=who.passkey)
    other.open("/staff/sign-in")
    asked = other.asked("/staff/sign-in/options")
    assert who.passkey is not None
    answer = json.dumps(who.passkey.get(asked, origin=served.base))
    stranger = Clerk(served, who.account, who.token)
    stranger.open("/staff/sign-in")
    stranger.visitor.send("/staff/sign-in", credential=answer)  # another browser
    assert stranger.page.status_code == 422
    other.visitor.send("/staff/sign-in", credential=answer)
    assert other.visitor.url.endswith("/staff")
    other.open("/staff/sign-in")
    other.visitor.send("/staff/sign-in", credential=answer)
    assert other.page.status_code == 422  # the challenge is spent
