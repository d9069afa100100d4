"""A new passkey: what we would not trust later is not kept; a challenge and a credential are taken once."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from sqlalchemy import select, update

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.passkey import SoftwarePasskey, encoded
from pro_sante_connect.ecps import passkeys
from pro_sante_connect.ecps.models import Ceremony, Passkey
from pro_sante_connect.settings import Policy
from pro_sante_connect.signals.withdrawal import end_sessions
from tests.ecps.people import (
    BROWSER,
    NATIONAL_ID,
    Candidate,
    candidate,
    suspend,
    told,
    wallet,
    winners,
    with_policy,
)
from tests.ecps.requests import ask
from tests.world import World

BINDING = "browser 1"
PRESENT, VERIFIED = 0x01, 0x04


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def register(person: Candidate, credential: Any, *, binding: str = BINDING, level: Level = Level.EIDAS3) -> None:
    passkeys.finish_registration(
        person.dep, person.practitioner, binding=binding, credential=json.dumps(credential), name=" Ma\tclé ",
        level=level, origin=BROWSER,
    )  # fmt: skip


def creation(person: Candidate) -> dict[str, Any]:
    return passkeys.start_registration(person.dep, person.practitioner, binding=BINDING)


def second(person: Candidate, seed: int = 2) -> SoftwarePasskey:
    assert person.passkey is not None
    return SoftwarePasskey.derived(bytes([seed]) * 32, rp_id="localhost", holder=person.passkey.holder)


def test_one_more_passkey_is_kept_and_told(person: Candidate) -> None:
    options = creation(person)
    assert [item["id"] for item in options["excludeCredentials"]]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    key = second(person)
    register(person, key.create(options, origin=wallet(person.world)))
    person.passkey = key
    options = passkeys.start_sign_in(person.dep, binding=BINDING, typed=NATIONAL_ID)
    passkeys.finish_sign_in(
        person.dep, binding=BINDING, credential=person.answer(options), ended=end_sessions, origin=BROWSER
    )
    with reading(person.world.engine) as db:
        assert db.scalars(select(Passkey.name).order_by(Passkey.id.desc())).first() == "Ma clé"
    assert told(person)[-1] == "means-added"


def test_a_credential_belongs_to_one_card_for_ever(world: World) -> None:
    one = candidate(world).enrol()
    assert one.passkey is not None
    with pytest.raises(Refusal, match="passkey-known"):
        register(one, one.passkey.create(creation(one), origin=wallet(world)))


def test_a_challenge_for_one_person_registers_nothing_for_another(world: World) -> None:
    one, other = candidate(world).enrol(), candidate(world, "899867004170")
    with pytest.raises(Refusal, match="passkey-not-kept"):
        passkeys.finish_registration(
            one.dep, other.practitioner, binding=BINDING, name="", level=Level.EIDAS3, origin=BROWSER,
            credential=json.dumps(second(one).create(creation(one), origin=wallet(world))),
        )  # fmt: skip


def test_a_registration_answers_its_challenge_once(person: Candidate) -> None:
    made = second(person).create(creation(person), origin=wallet(person.world))
    register(person, made)
    with pytest.raises(Refusal, match="passkey-not-kept"):
        register(person, made)
    with pytest.raises(Refusal, match="passkey-not-kept"):
        register(person, second(person, 3).create(creation(person), origin=wallet(person.world)), binding="else")


def fill(person: Candidate, count: int) -> None:
    """So many more passkeys on the card."""
    with writing(person.world.engine) as db:
        row = db.scalars(select(Passkey)).one()
        known = {column.key: getattr(row, column.key) for column in Passkey.__table__.columns if column.key != "id"}
        db.add_all(Passkey(**known | {"credential_id": bytes([number])}) for number in range(count))


def test_a_hundred_passkeys_are_enough(person: Candidate) -> None:
    fill(person, passkeys.MOST - 1)
    with pytest.raises(Refusal, match="passkeys-too-many"):
        creation(person)


def test_of_many_passkeys_made_at_once_only_as_many_are_kept_as_there_is_room_for(person: Candidate) -> None:
    made = [second(person, seed).create(creation(person), origin=wallet(person.world)) for seed in range(2, 8)]
    fill(person, passkeys.MOST - 3)
    waiting = iter(made)
    assert winners(lambda: register(person, next(waiting)), len(made)) == 2
    with pytest.raises(Refusal, match="passkeys-too-many"):
        creation(person)


def test_a_person_stopped_while_her_passkey_is_made_keeps_none(person: Candidate) -> None:
    made = second(person).create(creation(person), origin=wallet(person.world))
    suspend(person)
    with pytest.raises(Refusal, match="sign-in-stopped"):
        register(person, made)
    assert "means-added" not in told(person)


@pytest.mark.parametrize("level", list(Level))
def test_a_passkey_is_worth_no_more_than_the_session_that_added_it(person: Candidate, level: Level) -> None:
    generous = with_policy(person, Policy(device_bound_level="eidas3"))
    key = second(person)
    register(generous, key.create(creation(person), origin=wallet(person.world)), level=level)
    generous.passkey = key
    options = passkeys.start_sign_in(generous.dep, binding=BINDING, typed=NATIONAL_ID)
    found = passkeys.finish_sign_in(
        generous.dep, binding=BINDING, credential=generous.answer(options), ended=end_sessions, origin=BROWSER
    )
    assert found.level is level
    asked = ask(generous)
    asked.scan(asked.view().qr_link)
    asked.approve_by_passkey()
    assert asked.collect().level is (Level.EIDAS1 if level is Level.EIDAS1 else Level.EIDAS2)


def test_a_passkey_of_an_activation_is_worth_what_its_kind_is(person: Candidate) -> None:
    generous = with_policy(person, Policy(device_bound_level="eidas3"))
    options = passkeys.start_sign_in(generous.dep, binding=BINDING, typed=NATIONAL_ID)
    found = passkeys.finish_sign_in(
        generous.dep, binding=BINDING, credential=generous.answer(options), ended=end_sessions, origin=BROWSER
    )
    assert found.level is Level.EIDAS3


def test_an_expired_card_takes_no_passkey(person: Candidate) -> None:
    options = creation(person)
    made = second(person).create(options, origin=wallet(person.world))
    with writing(person.world.engine) as db:
        db.execute(update(Ceremony).values(expires_at=person.world.now.replace(year=2040)))
    person.world.clock.advance(person.dep.settings.lifetimes.card)
    for act in (lambda: register(person, made), lambda: creation(person)):
        with pytest.raises(Refusal, match="card-expired"):
            act()


@dataclass
class Factory:
    """Makes registrations, bent where told."""

    key: Any
    fmt: str = "none"
    flags: int = PRESENT | VERIFIED | 0x40
    outer: bytes = b"i" * 16
    inner: bytes = b"i" * 16
    origin: str = ""

    def create(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        client = {"type": "webauthn.create", "challenge": options["challenge"], "origin": self.origin or origin}
        data = hashlib.sha256(options["rp"]["id"].encode()).digest() + bytes([self.flags]) + bytes(4)
        data += bytes(16) + len(self.inner).to_bytes(2) + self.inner + cbor2.dumps(self.cose())
        statement = {"fmt": self.fmt, "attStmt": self.statement(data, client), "authData": data}
        own = base64.urlsafe_b64encode(self.outer).rstrip(b"=").decode()
        answer = {
            "clientDataJSON": encoded(json.dumps(client).encode()),
            "attestationObject": encoded(cbor2.dumps(statement)),
            "transports": ["usb", "usb", "nonsense", 7],
        }
        return {"id": own, "rawId": own, "type": "public-key", "response": answer}

    def cose(self) -> dict[int, Any]:
        public = self.key.public_key()
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
        numbers = public.public_numbers()
        if isinstance(self.key, rsa.RSAPrivateKey):
            return {1: 3, 3: -257, -1: numbers.n.to_bytes(self.key.key_size // 8), -2: numbers.e.to_bytes(3)}
        size = (self.key.key_size + 7) // 8
        curve = {"secp256r1": 1, "secp384r1": 2}[self.key.curve.name]
        return {1: 2, 3: -7, -1: curve, -2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}

    def statement(self, data: bytes, client: dict[str, Any]) -> dict[str, Any]:
        if self.fmt != "packed":
            return {}
        signed = data + hashlib.sha256(json.dumps(client).encode()).digest()
        return {"alg": -257, "sig": self.key.sign(signed, PKCS1v15(), hashes.SHA256())}


CURVE = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    "made",
    [Factory(CURVE), Factory(ed25519.Ed25519PrivateKey.generate()), Factory(RSA), Factory(RSA, fmt="packed")],
)
def test_keys_of_the_three_algorithms_are_kept(person: Candidate, made: Factory) -> None:
    register(person, made.create(creation(person), wallet(person.world)))
    with reading(person.world.engine) as db:
        assert db.scalars(select(Passkey.transports).order_by(Passkey.id.desc())).first() == ["usb"]


@pytest.mark.parametrize(
    "made",
    [
        Factory(CURVE, fmt="android-safetynet"),
        Factory(CURVE, fmt="apple"),
        Factory(CURVE, flags=PRESENT | 0x40),
        Factory(CURVE, flags=VERIFIED | 0x40),
        Factory(CURVE, outer=b"other"),
        Factory(CURVE, inner=b"x" * 1024, outer=b"x" * 1024),
        Factory(CURVE, origin="https://evil.example"),
        Factory(ec.generate_private_key(ec.SECP384R1())),
        Factory(rsa.generate_private_key(65537, 1024)),
    ],
)
def test_what_we_would_not_trust_later_is_not_kept(person: Candidate, made: Factory) -> None:
    with pytest.raises(Refusal, match="passkey-not-kept"):
        register(person, made.create(creation(person), wallet(person.world)))


@pytest.mark.parametrize("change", [{"attestationObject": "AAAA"}, {"attestationObject": 7}, {"clientDataJSON": ""}])
def test_what_is_no_registration_is_not_kept(person: Candidate, change: dict[str, Any]) -> None:
    made = second(person).create(creation(person), origin=wallet(person.world))
    made["response"] |= change
    with pytest.raises(Refusal, match="passkey-not-kept"):
        register(person, made)
