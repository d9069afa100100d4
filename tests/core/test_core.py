"""Time, chance, secrets, one-time keys, counters, the outbox, words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pro_sante_connect.core import counters, epoch, once, outbox, words
from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.chance import READABLE, SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import located, reading, writing
from pro_sante_connect.core.digest import digest, keyed, same
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import microseconds, moment
from pro_sante_connect.core.vault import Purpose, open_vault, vault_of
from tests.world import START, World


def test_moments_are_exact_to_the_microsecond() -> None:
    at = datetime(2038, 1, 19, 3, 14, 8, 123457, tzinfo=UTC)
    assert moment(microseconds(at)) == at


def test_the_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_chance_has_the_asked_shape() -> None:
    chance = SystemChance()
    assert len(chance.token(32)) == 43
    assert chance.digits(6).isdigit()
    assert len(chance.digits(6)) == 6
    assert set(chance.letters(20)) <= set(READABLE)
    assert chance.uuid()[14] == "4"
    assert len(chance.bytes(5)) == 5
    assert sorted(chance.shuffled(["a", "b", "c"])) == ["a", "b", "c"]


def test_any_two_texts_compare() -> None:
    assert same("é", "é")
    assert not same("é", "e")
    assert digest("\ud800") != digest("x")
    assert keyed(b"k", "a", "b") != keyed(b"k", "ab")


def test_levels_are_ordered() -> None:
    assert Level.EIDAS3.reaches(Level.EIDAS1)
    assert not Level.EIDAS1.reaches(Level.EIDAS2)


def test_a_key_is_remembered_once_per_kind(world: World) -> None:
    until = START + timedelta(minutes=1)
    with writing(world.engine) as db:
        assert once.remember(db, "jti", "a", expires_at=until)
        assert not once.remember(db, "jti", "a", expires_at=until)
        assert once.remember(db.connection(), "nonce", "a", expires_at=until)
        once.forget_expired(db, now=until + timedelta(seconds=1))
        assert once.remember(db, "jti", "a", expires_at=until)


def test_a_counter_counts_within_its_window_and_forgives_on_reset(world: World) -> None:
    minute = timedelta(minutes=1)
    with writing(world.engine) as db:
        counts = [counters.reserve(db, "a", window=minute, now=START) for _ in range(3)]
        assert counts == [1, 2, 3]
        assert counters.reserve(db, "a", window=minute, now=START + minute) == 1
        assert counters.reserve(db, "b", window=None, now=START) == 1
        assert counters.reserve(db, "b", window=None, now=START + 9 * minute) == 2
        counters.close(db, "b", until=START + minute)
        assert counters.closed_until(db, "b", now=START) == START + minute
        assert counters.closed_until(db, "b", now=START + minute) is None
        counters.reset(db, "b")
        assert counters.closed_until(db, "b", now=START) is None


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "postgresql+psycopg://psc@db/psc"])
def test_only_a_file_of_sqlite_is_located(url: str) -> None:
    assert located(url) == url


def test_a_restore_bumps_the_epoch(world: World) -> None:
    with writing(world.engine) as db:
        before = db.get_one(epoch.Epoch, 1).number
        assert epoch.bump(db) == before + 1
    with reading(world.engine) as db:
        assert db.get_one(epoch.Epoch, 1).number == before + 1


def test_the_vault_opens_what_it_sealed_and_rolls_over() -> None:
    old, both = vault_of((b"o" * 32,)), vault_of((b"n" * 32, b"o" * 32))
    sealed = old.seal(b"secret", purpose=Purpose.TOTP_SECRET)
    assert both.open(sealed, purpose=Purpose.TOTP_SECRET) == b"secret"
    resealed = both.reseal(sealed, purpose=Purpose.TOTP_SECRET)
    assert vault_of((b"n" * 32,)).open(resealed, purpose=Purpose.TOTP_SECRET) == b"secret"
    assert old.derive("a") == both.derive("a", root=1) != old.derive("b")
    assert both.derive_all("a") == (vault_of((b"n" * 32,)).derive("a"), old.derive("a"))
    with pytest.raises(Refusal, match="vault-unreadable"):
        vault_of((b"x" * 32,)).open(sealed, purpose=Purpose.TOTP_SECRET)


def test_what_is_sealed_for_one_purpose_opens_for_no_other() -> None:
    vault = vault_of((b"n" * 32, b"o" * 32))
    for sealed_for in Purpose:
        for root in (vault, vault_of((b"o" * 32,))):
            sealed = root.seal(b"secret", purpose=sealed_for)
            for purpose in Purpose:
                if purpose is sealed_for:
                    assert vault.open(sealed, purpose=purpose) == b"secret"
                    continue
                with pytest.raises(Refusal, match="vault-unreadable"):
                    vault.open(sealed, purpose=purpose)
                with pytest.raises(Refusal, match="vault-unreadable"):
                    vault.reseal(sealed, purpose=purpose)


def test_weak_missing_or_unreadable_secrets_are_refused(tmp_path: Path) -> None:
    for roots, code in (((), "vault-missing"), ((b"short",), "vault-weak")):
        with pytest.raises(Refusal, match=code):
            vault_of(roots)
    with pytest.raises(Refusal, match="vault-missing"):
        open_vault(tmp_path / "none")
    file = tmp_path / "secrets"
    file.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s\n")
    sealed = open_vault(file).seal(b"x", purpose=Purpose.SIGNING_KEY)
    assert open_vault(file).open(sealed, purpose=Purpose.SIGNING_KEY) == b"x"


def test_a_note_is_taken_by_lease_and_closed_with_its_secret(world: World) -> None:
    lease = timedelta(seconds=30)
    with writing(world.engine) as db:
        outbox.write(db, "message:send", "practitioner:1", now=START, sealed=b"code")
        outbox.write(db, "means:changed", "practitioner:1", now=START, due_at=START + lease)
        with pytest.raises(ValueError, match="rumour"):
            outbox.write(db, "rumour", "x", now=START)
    with writing(world.engine) as db:
        (taken,) = outbox.take(db, limit=10, lease=lease, now=START)
    assert (taken.topic, taken.sealed, taken.attempts) == ("message:send", b"code", 1)
    with writing(world.engine) as db:
        assert outbox.take(db, limit=10, lease=lease, now=START + lease / 2) == []
        again = outbox.take(db, limit=10, lease=lease, now=START + lease)
        assert [one.attempts for one in again] == [2, 1]
        outbox.close(db, taken.id, now=START)
        outbox.postpone(db, again[1].id, until=START + 3 * lease)
    with writing(world.engine) as db:
        assert outbox.take(db, limit=10, lease=lease, now=START + 2 * lease) == []
        stored = db.get_one(outbox.OutboxNote, taken.id)
        assert stored.sealed is None
        outbox.purge(db, before=START + lease)
    with reading(world.engine) as db:
        assert db.get(outbox.OutboxNote, taken.id) is None


def test_a_failed_write_leaves_nothing(world: World) -> None:
    def fail() -> None:
        with writing(world.engine) as db:
            once.remember(db, "jti", "lost", expires_at=START)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with writing(world.engine) as db:
        assert once.remember(db, "jti", "lost", expires_at=START)


def test_both_languages_say_the_same_keys() -> None:
    assert set(words.catalogue("fr")) == set(words.catalogue("en"))
    assert words.say("en", "refusal.page-unknown").startswith("This address")
    with pytest.raises(KeyError):
        words.say("fr", "no.such-word")
