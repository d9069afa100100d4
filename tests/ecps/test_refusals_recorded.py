"""Every refusal of a try stands in the journal: whom it concerns, why, from where."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import select

from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in, enrolment, means, pairing, passkeys
from pro_sante_connect.ecps.approval_asks import ASKS
from pro_sante_connect.ecps.attempts import ADDRESS_LIMIT, QUICK
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import BROWSER, CODE, NATIONAL_ID, Candidate, candidate
from tests.ecps.requests import ask, wrong
from tests.world import World

NOBODY = "practitioner:unknown"


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def last(person: Candidate) -> tuple[str, str, str, str]:
    """Event, subject, address and reason of the newest entry."""
    with reading(person.world.engine) as db:
        entry = db.scalars(select(Entry).order_by(Entry.id.desc()).limit(1)).one()
    return entry.event, entry.subject, entry.address, str(entry.facts.get("reason", ""))


def many(act: Callable[[], object], times: int) -> None:
    for _ in range(times):
        with suppress(Refusal):
            act()


def by_codes(person: Candidate, typed: str, pin: str) -> None:
    code_sign_in.sign_in(person.dep, typed=typed, pin=pin, otp=person.otp(), origin=BROWSER)


@pytest.mark.parametrize("typed", [NATIONAL_ID, "899820424099"])
def test_codes_that_are_paused(person: Candidate, typed: str) -> None:
    subject = registry.subject(person.practitioner) if typed == NATIONAL_ID else NOBODY
    many(lambda: by_codes(person, typed, "0000"), QUICK)
    with pytest.raises(Refusal, match="codes-paused"):
        by_codes(person, typed, CODE)
    assert last(person) == ("sign-in:refused", subject, BROWSER.address, "codes-paused")


def test_an_e_cps_code_that_is_paused_on_the_phone(person: Candidate) -> None:
    asked = ask(person)
    asked.type(asked.number)
    many(lambda: asked.approve("0000"), QUICK)
    with pytest.raises(Refusal, match="pin-paused"):
        asked.approve()
    assert last(person)[0:4:3] == ("sign-in:refused", "pin-paused")


def test_numbers_that_are_paused(person: Candidate) -> None:
    first = ask(person)
    many(lambda: first.type(wrong(first.number)), 3)
    second = ask(person)
    many(lambda: second.type(wrong(second.number)), 2)
    with pytest.raises(Refusal, match="approvals-paused"):
        second.type(second.number)
    assert last(person)[0:4:3] == ("sign-in:refused", "approvals-paused")


@pytest.mark.parametrize("typed", [NATIONAL_ID, "899820424099"])
def test_requests_to_a_phone_that_are_paused(person: Candidate, typed: str) -> None:
    subject = registry.subject(person.practitioner) if typed == NATIONAL_ID else NOBODY
    many(lambda: ask(person, typed), ASKS)
    with pytest.raises(Refusal, match="approvals-paused"):
        ask(person, typed)
    assert last(person) == ("sign-in:refused", subject, BROWSER.address, "approvals-paused")


def test_activations_asked_too_often_by_an_address_or_for_a_person(person: Candidate) -> None:
    for _ in range(6):
        enrolment.ask(person.dep, NATIONAL_ID, language="fr", origin=BROWSER)
    mine = registry.subject(person.practitioner)
    assert last(person) == ("activation:refused", mine, BROWSER.address, "asked-too-often")
    many(lambda: enrolment.ask(person.dep, "1", language="fr", origin=BROWSER), ADDRESS_LIMIT)
    assert last(person) == ("activation:refused", NOBODY, BROWSER.address, "address-throttled")


def test_links_that_add_no_phone(person: Candidate) -> None:
    many(lambda: pairing.claim(person.dep, "made up", phone_name="", origin=BROWSER), 1)
    assert last(person) == ("pairing:refused", NOBODY, BROWSER.address, "")
    many(lambda: pairing.claim(person.dep, "made up", phone_name="", origin=BROWSER), ADDRESS_LIMIT)
    assert last(person) == ("pairing:refused", NOBODY, BROWSER.address, "address-throttled")


@pytest.mark.parametrize(
    ("credential", "reason"), [(None, "challenge"), ("{}", "KeyError"), ("x" * 40_000, "too long")]
)
def test_passkey_answers_that_come_twice_or_are_none(person: Candidate, credential: str | None, reason: str) -> None:
    options = passkeys.start_sign_in(person.dep, binding="b", typed=None)
    answer = person.answer(options)

    def sign_in(sent: str) -> None:
        passkeys.finish_sign_in(person.dep, binding="b", credential=sent, ended=end_sessions, origin=BROWSER)

    sign_in(answer)
    with pytest.raises(Refusal, match="passkey-refused"):
        sign_in(credential or answer)
    assert last(person) == ("sign-in:refused", NOBODY, BROWSER.address, reason)


def test_another_name_for_a_means_is_recorded_without_the_name(person: Candidate) -> None:
    with reading(person.world.engine) as db:
        key = next(one.key for one in means.of(db, person.practitioner) if one.kind == "phone")
    with writing(person.world.engine) as db:
        means.rename(db, person.practitioner, key, "Poche", origin=BROWSER, now=person.world.now)
    with reading(person.world.engine) as db:
        entry = db.scalars(select(Entry).order_by(Entry.id.desc()).limit(1)).one()
    assert (entry.event, entry.facts) == ("means:renamed", {"means": key})
