"""Passkeys: every part of a ceremony that an attacker may bend is judged; a challenge answers once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.passkey import SoftwarePasskey, encoded
from pro_sante_connect.ecps import assertion, ceremonies, enrolment, passkey_proof, passkeys
from pro_sante_connect.ecps.ceremonies import Kind
from pro_sante_connect.ecps.models import REPLACED, Card, Passkey
from pro_sante_connect.settings import Policy
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import (
    BROWSER,
    CODE,
    NATIONAL_ID,
    Candidate,
    candidate,
    events,
    suspend,
    told,
    wallet,
    winners,
    with_policy,
)
from tests.world import World

BINDING = "browser 1"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP = 0x01, 0x04, 0x08, 0x10
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def begin(person: Candidate, *, typed: str | None = NATIONAL_ID) -> dict[str, Any]:
    return passkeys.start_sign_in(person.dep, binding=BINDING, typed=typed)


def finish(person: Candidate, credential: str, *, binding: str = BINDING) -> Any:
    return passkeys.finish_sign_in(
        person.dep, binding=binding, credential=credential, ended=end_sessions, origin=BROWSER
    )


@dataclass
class Authenticator:
    """One that can be told to misbehave: it signs whatever it is asked to."""

    person: Candidate
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    client: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    rp_id: str = ""

    def get(self, options: dict[str, Any]) -> str:
        key = self.person.passkey
        assert key is not None
        client = {
            "type": "webauthn.get", "challenge": options["challenge"], "origin": wallet(self.person.world),
            "crossOrigin": False,
        } | self.client  # fmt: skip
        data = json.dumps(client).encode()
        rp = hashlib.sha256((self.rp_id or key.rp_id).encode()).digest()
        authenticator = rp + bytes([self.flags]) + self.counter.to_bytes(4)
        signature = key.key.sign(authenticator + hashlib.sha256(data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": encoded(data), "authenticatorData": encoded(authenticator),
            "signature": encoded(signature), "userHandle": key.holder,
        } | self.response  # fmt: skip
        response = {name: value for name, value in response.items() if value is not ...}
        own = encoded(key.credential_id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})


@pytest.mark.parametrize("typed", [NATIONAL_ID, None])
def test_a_passkey_opens_with_or_without_a_typed_number(person: Candidate, typed: str | None) -> None:
    options = begin(person, typed=typed)
    assert options["userVerification"] == "required"
    assert len(options.get("allowCredentials", [])) == (1 if typed else 0)
    found = finish(person, person.answer(options))
    assert (found.practitioner, found.level, found.methods) == (
        person.practitioner, Level.EIDAS2, ("hwk", "user", "mfa"),
    )  # fmt: skip
    assert found.means.startswith("passkey:")
    assert events(person)[-1] == "sign-in:succeeded"


def test_a_key_that_sends_no_user_handle_opens_after_a_number_only(person: Candidate) -> None:
    silent = Authenticator(person, response={"userHandle": ...})
    assert finish(person, silent.get(begin(person)))
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, silent.get(begin(person, typed=None)))


@pytest.mark.parametrize(
    "bent",
    [
        {"client": {"type": "webauthn.create"}},
        {"client": {"origin": "https://evil.example"}},
        {"client": {"origin": "http://localhost:8000.evil.example"}},
        {"client": {"crossOrigin": True}},
        {"client": {"crossOrigin": None}},
        {"client": {"topOrigin": "https://frame.example"}},
        {"client": {"challenge": "AAAA"}},
        {"client": {"challenge": 7}},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | ELIGIBLE},
        {"flags": PRESENT | VERIFIED | BACKED_UP},
        {"rp_id": "evil.example"},
        {"response": {"userHandle": "AAAA"}},
        {"response": {"userHandle": 7}},
        {"response": {"signature": "AAAA"}},
        {"response": {"signature": ""}},
        {"response": {"authenticatorData": "AAAA"}},
        {"response": {"clientDataJSON": "e30"}},
        {"response": {"clientDataJSON": "not base64!"}},
        {"response": {"clientDataJSON": "AB"}},
    ],
)
def test_whatever_is_bent_in_an_answer_it_opens_nothing(person: Candidate, bent: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, Authenticator(person, **bent).get(begin(person)))
    assert "sign-in:succeeded" not in events(person)


@pytest.mark.parametrize(
    "credential",
    ["", "null", "[]", "{}", "7", "{", '{"response": 7}', '{"response": {}}', "[" * 30_000, "x" * 40_000,
     '{"id": "é", "response": {"clientDataJSON": "é"}}'],
)  # fmt: skip
def test_what_is_no_credential_is_refused(person: Candidate, credential: str) -> None:
    begin(person)
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, credential)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_any_json_is_a_credential_or_unsound(document: Any) -> None:
    with pytest.raises(assertion.Unsound):
        assertion.read(json.dumps({"id": "AAAA", "response": document}))


def test_a_challenge_answers_once_one_browser_and_one_kind(person: Candidate) -> None:
    options = begin(person)
    credential = person.answer(options)
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, credential, binding="browser 2")
    finish(person, credential)
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, credential)


@pytest.mark.parametrize("kind", [Kind.APPROVAL, Kind.REGISTRATION])
def test_a_challenge_of_another_kind_signs_nobody_in(person: Candidate, kind: Kind) -> None:
    world = person.world
    with writing(world.engine) as db:
        challenge = ceremonies.begin(
            db, kind, binding=BINDING, practitioner_id=person.practitioner, chance=world.chance, now=world.now
        )
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, person.answer({"challenge": encoded(challenge)}))


def test_a_challenge_grows_old(person: Candidate) -> None:
    credential = person.answer(begin(person))
    person.world.clock.advance(ceremonies.LIFETIME.total_seconds())
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, credential)


def test_of_ten_times_the_same_answer_one_opens(person: Candidate) -> None:
    credential = person.answer(begin(person))

    assert winners(lambda: finish(person, credential)) == 1


def test_somebody_elses_passkey_does_not_answer_for_a_typed_number(world: World) -> None:
    one, other = candidate(world).enrol(), candidate(world, "899867004170")
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(one, one.answer({"challenge": begin(one, typed=other.national_id)["challenge"]}))


def test_an_unknown_number_looks_like_a_known_one_always_the_same(person: Candidate) -> None:
    one, again = begin(person, typed="899867004170"), begin(person, typed=" 99867004170 ")
    assert one["allowCredentials"] == again["allowCredentials"]
    assert one["allowCredentials"] != begin(person, typed="899820424069")["allowCredentials"]
    assert set(one) == set(begin(person))
    assert set(one["allowCredentials"][0]) == set(begin(person)["allowCredentials"][0])
    assert begin(person, typed="é")["allowCredentials"]


def test_unknown_numbers_have_as_many_passkeys_and_of_the_kinds_that_people_have(person: Candidate) -> None:
    listed = [begin(person, typed=f"8998204{number:05d}")["allowCredentials"] for number in range(60)]
    assert {len(one) for one in listed} == {1, 2, 3}
    keys = [key for one in listed for key in one]
    assert len({key["id"] for key in keys}) == len(keys)
    # as browsers report them of phones, computers and security keys
    seen = {tuple(key["transports"]) for key in keys}
    assert seen == {("hybrid", "internal"), ("internal",), ("nfc", "usb"), ("usb",)}


def test_two_passkeys_of_a_person_do_not_tell_that_her_number_is_known(person: Candidate) -> None:
    with writing(person.world.engine) as db:
        row = db.scalars(select(Passkey)).one()
        known = {column.key: getattr(row, column.key) for column in Passkey.__table__.columns if column.key != "id"}
        db.add(Passkey(**known | {"credential_id": b"another", "transports": ["hybrid", "internal"]}))
    mine = begin(person)["allowCredentials"]
    theirs = [begin(person, typed=f"8998204{number:05d}")["allowCredentials"] for number in range(60)]
    assert len(mine) in {len(one) for one in theirs}


def test_an_unknown_credential_is_refused(person: Candidate) -> None:
    stranger = SoftwarePasskey.derived(b"9" * 32, rp_id="localhost", holder="AAAA")
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, json.dumps(stranger.get({"challenge": begin(person)["challenge"]}, origin=wallet(person.world))))


def set_row(person: Candidate, **values: Any) -> None:
    with writing(person.world.engine) as db:
        db.execute(update(Passkey).values(**values))


@pytest.mark.parametrize(("stored", "sent"), [(5, 5), (5, 4), (5, 0)])
def test_a_counter_that_stands_still_sets_the_passkey_aside_and_tells(
    person: Candidate, stored: int, sent: int
) -> None:
    set_row(person, sign_count=stored)
    with pytest.raises(Refusal, match="passkey-set-aside"):
        finish(person, Authenticator(person, counter=sent).get(begin(person)))
    assert events(person)[-2:] == ["means:set-aside", "sign-in:refused"]
    assert told(person)[-1] == "means-set-aside"
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, Authenticator(person, counter=9).get(begin(person)))


def test_a_counter_that_grows_is_kept(person: Candidate) -> None:
    for counter in (1, 2, 900):
        finish(person, Authenticator(person, counter=counter).get(begin(person)))
    with reading(person.world.engine) as db:
        assert db.scalars(select(Passkey.sign_count)).one() == 900


def test_a_passkey_withdrawn_while_the_person_signs_opens_nothing(person: Candidate) -> None:
    credential = person.answer(begin(person))
    set_row(person, withdrawn_at=person.world.now)
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, credential)


def test_a_synced_passkey_is_worth_less(person: Candidate) -> None:
    set_row(person, backup_eligible=True)
    synced = Authenticator(person, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    found = finish(person, synced.get(begin(person)))
    assert (found.level, found.methods) == (Level.EIDAS2, ("swk", "user", "mfa"))
    generous = with_policy(person, Policy(synced_level="eidas3", device_bound_level="eidas3"))
    assert finish(generous, synced.get(begin(generous))).level is Level.EIDAS2


def test_a_suspended_person_is_stopped_after_the_proof_only(person: Candidate) -> None:
    suspend(person)
    options = begin(person)
    with pytest.raises(Refusal, match="sign-in-stopped") as stopped:
        finish(person, person.answer(options))
    assert stopped.value.facts["kind"] == "suspended"
    assert events(person)[-1] == "sign-in:refused"


def test_an_expired_card_opens_nothing(person: Candidate) -> None:
    person.world.clock.advance(person.dep.settings.lifetimes.card)
    with pytest.raises(Refusal, match="card-expired"):
        finish(person, person.answer(begin(person)))


def halfway(person: Candidate) -> Candidate:
    """Whoever read both codes of somebody with an active card, as far as a passkey of her own."""
    thief = Candidate(person.world, person.practitioner)
    thief.token = thief.verify(thief.ask())
    enrolment.choose_code(thief.dep, thief.token, CODE, origin=BROWSER)
    enrolment.finish_passkey(thief.dep, thief.token, thief.make_passkey(seed=9), name="", origin=BROWSER)
    return thief


@pytest.mark.parametrize("typed", [NATIONAL_ID, None])
@pytest.mark.parametrize("abandoned", [False, True])
def test_a_passkey_of_an_enrolment_that_has_not_ended_opens_nothing(
    person: Candidate, typed: str | None, abandoned: bool
) -> None:
    thief = halfway(person)
    if abandoned:
        thief.verify(thief.ask())
    options = begin(person, typed=typed)
    assert thief.passkey is not None
    assert encoded(thief.passkey.credential_id) not in [item["id"] for item in options.get("allowCredentials", [])]
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, thief.answer({"challenge": options["challenge"]}))
    assert "sign-in:succeeded" not in events(person)
    assert finish(person, person.answer(begin(person, typed=typed)))


def test_a_passkey_opens_once_its_enrolment_has_ended_and_the_former_one_no_more(person: Candidate) -> None:
    fresh = halfway(person)
    fresh.secret = enrolment.start_totp(fresh.dep, fresh.token).secret
    enrolment.confirm_totp(fresh.dep, fresh.token, fresh.otp(), origin=BROWSER)
    enrolment.finish(fresh.dep, fresh.token, phone_name="", ended=end_sessions, origin=BROWSER)
    with pytest.raises(Refusal, match="passkey-refused"):
        finish(person, person.answer({"challenge": begin(person, typed=None)["challenge"]}))
    assert finish(person, fresh.answer(begin(person)))


def test_a_card_that_ends_while_the_person_signs_opens_nothing(person: Candidate) -> None:
    proof = passkey_proof.prove(
        person.dep, Kind.SIGN_IN, binding=BINDING, credential=person.answer(begin(person)), origin=BROWSER
    )
    with writing(person.world.engine) as db:
        db.execute(update(Card).values(state=REPLACED))
        refusal = passkey_proof.use(db, proof, ended=end_sessions, origin=BROWSER, now=person.world.now)
    assert refusal is not None
    assert refusal.code == "passkey-refused"
