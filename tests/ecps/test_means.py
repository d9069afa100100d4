"""Means: listed, renamed, withdrawn with the sessions they opened, never the last one; phones by pairing, once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means, pairing, phones
from pro_sante_connect.ecps.models import Passkey
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.signals.withdrawal import withdraw
from tests.ecps.people import Holder, make_holder
from tests.world import World


@pytest.fixture
def holder(world: World) -> Iterator[Holder]:
    return make_holder(world)


def keys(holder: Holder) -> list[str]:
    with reading(holder.world.engine) as db:
        return [one.key for one in means.of(db, holder.practitioner) if one.kind != "code"]


def add_passkey(holder: Holder) -> str:
    with writing(holder.world.engine) as db:
        row = Passkey(
            card_id=holder.card, practitioner_id=holder.practitioner, credential_id=b"c", public_key=b"k",
            sign_count=0, backup_eligible=False, backed_up=False, aaguid="", transports=[], name="Clé",
            added_at=holder.world.now,
        )  # fmt: skip
        db.add(row)
        db.flush()
        return f"passkey:{row.id}"


def pair(holder: Holder) -> str:
    with writing(holder.world.engine) as db:
        person = registry.get(db, holder.practitioner)
        lifetimes = holder.world.dep.settings.lifetimes
        return pairing.issue(db, person, chance=holder.world.chance, now=holder.world.now, lifetimes=lifetimes)


def test_the_last_way_in_stays(holder: Holder) -> None:
    (totp,) = keys(holder)
    with pytest.raises(Refusal, match="last-means"):
        withdraw(holder.world.dep, holder.practitioner, totp, origin=SYSTEM)
    with pytest.raises(Refusal, match="means-unknown"):
        withdraw(holder.world.dep, holder.practitioner, "passkey:99", origin=SYSTEM)
    assert keys(holder) == [totp]


def test_a_withdrawn_means_takes_its_sessions_with_it(holder: Holder) -> None:
    key, world = add_passkey(holder), holder.world
    (other,) = [one for one in keys(holder) if one != key]
    for opened_by in (key, other):
        proof = Authentication(
            practitioner=holder.practitioner, mode=Mode.MOBILE, methods=("hwk",), level=Level.EIDAS2,
            means=opened_by, at=world.now,
        )  # fmt: skip
        with writing(world.engine) as db:
            sessions.begin(
                db, proof, former=None, device="", lifetimes=world.dep.settings.lifetimes, chance=world.chance,
                now=world.now,
            )  # fmt: skip
    withdraw(world.dep, holder.practitioner, key, origin=SYSTEM)
    with reading(world.engine) as db:
        left = sessions.of_person(db, holder.practitioner, idle=timedelta(minutes=30), now=world.now)
        assert [one.means for one in left] == [other]
    assert keys(holder) == [other]


def test_a_means_takes_the_name_its_holder_gives(holder: Holder) -> None:
    key = add_passkey(holder)
    with writing(holder.world.engine) as db:
        means.rename(db, holder.practitioner, key, "Clé du bureau", origin=SYSTEM, now=holder.world.now)
    with reading(holder.world.engine) as db:
        named = {one.key: one.name for one in means.of(db, holder.practitioner)}
    assert named[key] == "Clé du bureau"


def test_a_pairing_makes_one_phone_once_and_in_time(holder: Holder) -> None:
    dep, world = holder.world.dep, holder.world
    token = pair(holder)
    phone = pairing.claim(dep, token, phone_name="Mobile", origin=SYSTEM)
    with reading(world.engine) as db:
        found = phones.find(db, phone, now=world.now)
        assert found is not None
        assert (found.practitioner_id, found.name) == (holder.practitioner, "Mobile")
        assert phones.find(db, "other", now=world.now) is None
    late = pair(holder)
    world.clock.advance(90)
    for spent in (token, late, "never"):
        with pytest.raises(Refusal, match="pairing-refused"):
            pairing.claim(dep, spent, phone_name="", origin=SYSTEM)


def test_a_withdrawn_card_ends_everything_bound_to_it(holder: Holder) -> None:
    phone = pairing.claim(holder.world.dep, pair(holder), phone_name="Mobile", origin=SYSTEM)
    waiting = pair(holder)
    withdrawal.freeze(holder.world.dep, holder.practitioner, origin=SYSTEM)
    assert keys(holder) == []
    with reading(holder.world.engine) as db:
        assert phones.find(db, phone, now=holder.world.now) is None
    with pytest.raises(Refusal, match="pairing-refused"):
        pairing.claim(holder.world.dep, waiting, phone_name="", origin=SYSTEM)


@pytest.mark.parametrize("key", ["passkey:99", "card:1", "passkey:", "passkey:x", "passkey:١", "", "totp:" + "9" * 19])
def test_what_names_no_means_is_refused(holder: Holder, key: str) -> None:
    with writing(holder.world.engine) as db, pytest.raises(Refusal, match="means-unknown"):
        means.rename(db, holder.practitioner, key, "Nom", origin=SYSTEM, now=holder.world.now)
