"""Phone approval: one request waits per person, each end is final and one wins, the registry is asked each time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import approval, approval_codes, phones, purge
from pro_sante_connect.ecps.attempts import QUICK
from pro_sante_connect.ecps.models import Approval
from pro_sante_connect.settings import Policy
from tests.ecps.people import BROWSER, Candidate, candidate, events, suspend, told, wallet, with_policy
from tests.ecps.requests import COMPUTER, OTHER, Asked, ask, wrong
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


@pytest.fixture
def asked(person: Candidate) -> Asked:
    return ask(person)


def test_a_number_typed_and_a_passkey_open_the_computer_that_asked_once(asked: Asked) -> None:
    shown = asked.view()
    assert (shown.state, len(shown.number), shown.seconds_left) == ("pending", 6, 120)
    seen = asked.seen()
    assert seen is not None
    assert (seen.service, seen.device, seen.matched, seen.choices, seen.tries_left) == (
        "Dossier", "Firefox, Linux", False, [], 3,
    )  # fmt: skip
    asked.type(f"{shown.number[:3]} {shown.number[3:]}")
    assert asked.view() == approval.DesktopView("matched", "", "", "", 120)
    asked.approve_by_passkey()
    with pytest.raises(Refusal, match="approval-unknown"):
        asked.collect(OTHER)
    found = asked.collect()
    assert (found.practitioner, found.level, found.methods) == (
        asked.person.practitioner, Level.EIDAS2, ("mca", "hwk", "user", "mfa"),
    )  # fmt: skip
    assert found.means.startswith("phone:")
    with pytest.raises(Refusal, match="approval-collected"):
        asked.collect()
    assert events(asked.person)[-3:] == ["approval:asked", "approval:granted", "sign-in:succeeded"]


def test_a_scan_stands_for_the_number_and_the_code_for_the_passkey(asked: Asked) -> None:
    assert asked.scan(asked.view().qr_link) == asked.id
    with pytest.raises(Refusal, match="approval-closed"):
        asked.scan(f"/{approval_codes.qr_token(asked.person.dep.vault, asked.id, now=asked.person.world.now)}")
    asked.approve()
    assert asked.collect().methods == ("mca", "pin", "mfa")


def test_a_scan_changes_nothing_before_it_is_confirmed_on_that_phone(asked: Asked) -> None:
    dep, phone = asked.person.dep, asked.person.phone
    scanned = approval.scan(dep, phone, asked.view().qr_link.rpartition("/")[2], origin=BROWSER)
    assert (scanned.view.id, scanned.view.service, scanned.view.matched) == (asked.id, "Dossier", False)
    assert asked.view().state == "pending"
    second, other = ask(asked.person), scanned.proof
    for proof in ("", "é", other, other + "A"):
        with pytest.raises(Refusal, match="qr-expired"):
            approval.confirm_scan(dep, phone, second.id, proof, origin=BROWSER)
    with pytest.raises(Refusal, match="approval-closed"):  # replaced meanwhile
        approval.confirm_scan(dep, phone, asked.id, scanned.proof, origin=BROWSER)
    scanned = approval.scan(dep, phone, second.view().qr_link.rpartition("/")[2], origin=BROWSER)
    with pytest.raises(Refusal, match="qr-expired"):
        approval.confirm_scan(dep, "x" * 43, second.id, scanned.proof, origin=BROWSER)
    asked.person.world.clock.advance(60)  # a person who reads is not hurried
    approval.confirm_scan(dep, phone, second.id, scanned.proof, origin=BROWSER)
    assert second.view().state == "matched"


@pytest.mark.parametrize(("age", "taken"), [(0, True), (7, True), (14, False), (60, False)])
def test_a_photograph_of_the_qr_code_is_soon_dead(asked: Asked, age: int, taken: bool) -> None:
    link = asked.view().qr_link
    asked.person.world.clock.advance(age)
    assert asked.view().qr_link != link or age == 0
    if taken:
        assert asked.scan(link) == asked.id
    else:
        with pytest.raises(Refusal, match="qr-expired"):
            asked.scan(link)


@pytest.mark.parametrize("made_up", ["", ".", "abc", "é", "x.y", "0" * 5000])
def test_a_made_up_qr_code_is_refused(asked: Asked, made_up: str) -> None:
    for token in (made_up, f"{asked.id}.{made_up}"):
        with pytest.raises(Refusal, match="qr-expired"):
            approval.scan(asked.person.dep, asked.person.phone, token, origin=BROWSER)


def test_the_third_wrong_number_kills_the_request_and_the_person_is_told(asked: Asked) -> None:
    number = asked.number
    for left in (2, 1):
        with pytest.raises(Refusal, match="number-wrong") as refused:
            asked.type(wrong(number))
        assert refused.value.facts == {"tries_left": left}
    with pytest.raises(Refusal, match="approval-killed"):
        asked.type(wrong(number))
    assert asked.view().state == "killed"
    with pytest.raises(Refusal, match="approval-closed"):
        asked.type(number)
    assert told(asked.person)[-1] == "approval-refused"


def test_parallel_guesses_have_three_tries_together(asked: Asked) -> None:
    number = asked.number

    def guess(_: int) -> str:
        try:
            asked.type(wrong(number))
        except Refusal as refusal:
            return refusal.code
        return "matched"

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(guess, range(10)))
    assert (answers.count("number-wrong"), answers.count("approval-killed")) == (2, 1)
    assert "matched" not in answers


def test_numbers_are_paused_across_requests(person: Candidate) -> None:
    """Three tries per request, but five in a row over all of them."""
    for number in range(QUICK):
        if number in (0, 3):
            asked = ask(person)
        with pytest.raises(Refusal):
            asked.type(wrong(asked.number))
    with pytest.raises(Refusal, match="approvals-paused"):
        asked.type(asked.number)
    person.world.clock.advance(30)
    asked.type(asked.number)


def test_a_refusal_is_final_and_told(asked: Asked) -> None:
    asked.refuse()
    assert asked.view().state == "refused"
    for act in (asked.refuse, lambda: asked.type("000000"), asked.approve):
        with pytest.raises(Refusal, match="approval-closed"):
            act()
    with pytest.raises(Refusal, match="approval-refused"):
        asked.collect()
    assert events(asked.person)[-1] == "approval:refused"
    assert told(asked.person)[-1] == "approval-refused"


def test_approval_needs_the_number_first(asked: Asked) -> None:
    for act in (asked.approve, lambda: approval.start_proof(asked.person.dep, asked.person.phone, asked.id)):
        with pytest.raises(Refusal, match="approval-closed"):
            act()
    with pytest.raises(Refusal, match="approval-pending"):
        asked.collect()


def test_a_newer_request_replaces_the_older(person: Candidate) -> None:
    older = ask(person)
    number = older.number
    newer = ask(person)
    assert (older.view().state, newer.view().state) == ("replaced", "pending")
    with pytest.raises(Refusal, match="approval-closed"):
        older.type(number)
    with pytest.raises(Refusal, match="approval-replaced"):
        older.collect()
    seen = newer.seen()
    assert seen is not None
    assert seen.id == newer.id


def test_of_ten_requests_at_once_one_waits(person: Candidate) -> None:
    def try_it(_: int) -> bool:
        try:
            ask(person)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(try_it, range(10)))
    with reading(person.world.engine) as db:
        assert len(db.scalars(select(Approval.id).where(Approval.state == "pending")).all()) <= 1


def test_a_request_grows_old_and_so_does_an_approval_nobody_collects(person: Candidate) -> None:
    clock, asked = person.world.clock, ask(person)
    number = asked.number
    clock.advance(120)
    assert asked.view().state == "expired"
    assert asked.seen() is None
    with pytest.raises(Refusal, match="approval-closed"):
        asked.type(number)
    asked = ask(person)
    asked.type(asked.number)
    clock.advance(119)
    asked.approve()
    clock.advance(59)
    assert asked.view().state == "approved"
    clock.advance(1)
    with pytest.raises(Refusal, match="approval-expired"):
        asked.collect()


@pytest.mark.parametrize("typed", ["899867004170", "bonjour", "", "é"])
def test_a_number_that_nobody_bears_waits_in_vain_like_a_known_one(person: Candidate, typed: str) -> None:
    decoy = ask(person, typed)
    assert (decoy.view().state, len(decoy.view().number)) == ("pending", 6)
    with pytest.raises(Refusal, match="approval-unknown"):
        decoy.type(decoy.number)
    assert decoy.seen() is None
    person.world.clock.advance(120)
    assert decoy.view().state == "expired"
    for _ in range(2):
        ask(person, typed)
        person.world.clock.advance(120)
    quiet = ask(person, typed).view()
    assert (quiet.state, quiet.number, bool(quiet.qr_link)) == ("pending", "", True)


def test_without_a_card_or_a_phone_or_the_right_to_practise_it_is_a_decoy(world: World) -> None:
    person = candidate(world)
    assert asks_nobody(person)
    person.enrol()
    with writing(world.engine) as db:
        db.execute(update(phones.Phone).values(withdrawn_at=world.now))
    assert asks_nobody(person)
    person.enrol(passkey=False)
    assert not asks_nobody(person)
    suspend(person)
    assert asks_nobody(person)


def asks_nobody(person: Candidate) -> bool:
    person.world.clock.advance(600)
    made = ask(person)
    with reading(person.world.engine) as db:
        return db.get_one(Approval, made.id).practitioner_id is None


def compatible(person: Candidate) -> Candidate:
    """As the real service: two digits, one of three."""
    return with_policy(person, Policy(compatible_approval=True))


def test_the_compatible_way_shows_three_numbers_and_is_worth_less(person: Candidate) -> None:
    asked = ask(compatible(person))
    seen = asked.seen()
    assert seen is not None
    assert (len(set(seen.choices)), asked.number in seen.choices, seen.tries_left) == (3, True, 1)
    assert asked.seen() == seen
    asked.type(asked.number)
    asked.approve()
    assert asked.collect().level is Level.EIDAS1


def test_one_wrong_pick_of_three_is_enough(person: Candidate) -> None:
    asked = ask(compatible(person))
    with pytest.raises(Refusal, match="approval-killed"):
        asked.type(wrong(asked.number))


def test_requests_are_swept_a_day_later(asked: Asked) -> None:
    world = asked.person.world
    world.clock.advance(86_400 + 121)
    with writing(world.engine) as db:
        purge.purge(db, now=world.now)
    with pytest.raises(Refusal, match="approval-unknown"):
        asked.view()


def test_nothing_readable_rests(asked: Asked) -> None:
    number, link = asked.number, asked.view().qr_link
    with reading(asked.person.world.engine) as db:
        row = db.scalars(select(Approval)).one()
        kept = str({column.key: getattr(row, column.key) for column in Approval.__table__.columns} | {"id": ""})
    assert number not in kept
    assert link.rpartition(".")[2] not in kept
    assert COMPUTER not in kept
    assert asked.person.dep.settings.issuer.wallet_base == wallet(asked.person.world)
