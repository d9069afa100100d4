"""Accounts, their roles and their sessions, by the room's own verbs."""

from typing import Any

import pytest

from pro_sante_connect.access import accounts, sessions
from pro_sante_connect.access.models import Account, AccountPasskey
from pro_sante_connect.audit.journal import SYSTEM, Origin
from pro_sante_connect.core import epoch
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.signals import housekeeping
from tests.world import World


def invited(world: World, name: str = "lea", **facts: Any) -> accounts.Invited:
    with writing(world.engine) as db:
        asked = {"email": f"{name}@registre.example", "name": name} | facts
        return accounts.invite(db, origin=SYSTEM, chance=world.chance, now=world.now, **asked)


def joined(world: World, name: str = "lea", *, key: bytes = b"key") -> int:
    """The account, with a passkey."""
    made = invited(world, name)
    join(world, made.token, key=key)
    return made.account.id


def join(world: World, token: str, *, key: bytes = b"key") -> None:
    with writing(world.engine) as db:
        accounts.join(
            db, token, credential_id=key, public_key=b"p", sign_count=1, name="clé", origin=SYSTEM, now=world.now
        )


def begin(world: World, *, count: int = 2) -> str | None:
    with writing(world.engine) as db:
        [key] = db.query(AccountPasskey).all()
        return sessions.begin(db, key.id, sign_count=count, origin=SYSTEM, chance=world.chance, now=world.now)


def alive(world: World, secret: str | None) -> bool:
    with reading(world.engine) as db:
        return sessions.find(db, secret or "", now=world.now) is not None


def grant(world: World, account: int, role: str, *, by: str = "operator:nina", **scope: Any) -> int:
    with writing(world.engine) as db:
        return accounts.grant(db, account, role, origin=Origin(actor=by), now=world.now, **scope).id


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": " "}, "name-missing"), ({"name": "x" * 129}, "name-missing"),
        ({"email": "nowhere"}, "email-malformed"), ({"email": "a@b@c"}, "email-malformed"),
        ({"email": "@registre.example"}, "email-malformed"),
        ({"email": "a b@registre.example"}, "email-malformed"), ({"email": "a@b\n.example"}, "email-malformed"),
    ],
)  # fmt: skip
def test_an_account_needs_a_name_and_an_address(world: World, facts: dict[str, str], code: str) -> None:
    with pytest.raises(Refusal, match=code):
        invited(world, **facts)


def test_a_link_is_late_spent_or_replaced(world: World) -> None:
    first, second = invited(world), invited(world, email="LEA@registre.example ")
    assert first.account.id == second.account.id
    with pytest.raises(Refusal, match="invitation-unknown"):
        join(world, first.token)
    join(world, second.token)
    with pytest.raises(Refusal, match="invitation-unknown"):
        join(world, second.token)
    late = invited(world, "rosa")
    world.clock.advance(accounts.LIFE.total_seconds())
    with pytest.raises(Refusal, match="invitation-unknown"):
        join(world, late.token)


def test_a_passkey_is_one_account_s(world: World) -> None:
    joined(world)
    with pytest.raises(Refusal, match="passkey-known"):
        joined(world, "rosa")


def test_a_link_of_a_retired_account_opens_nothing(world: World) -> None:
    account, late = joined(world), invited(world).token
    with writing(world.engine) as db:
        accounts.retire(db, account, origin=SYSTEM, now=world.now)
    with reading(world.engine) as db:
        with pytest.raises(Refusal, match="invitation-unknown"):
            accounts.invited(db, late, now=world.now)
        with pytest.raises(Refusal, match="account-unknown"):
            accounts.get(db, account)
        assert accounts.every(db) == []
        assert accounts.names(db) == {f"account:{account}": "lea"}
    again = invited(world)
    with reading(world.engine) as db:
        assert accounts.invited(db, again.token, now=world.now).id == account


def test_a_role_is_known_given_once_and_not_to_oneself(world: World) -> None:
    account = joined(world)
    one = grant(world, account, "registrar", authorities=("CNOM", "CNOP"))
    assert grant(world, account, "registrar", authorities=("CNOP", "CNOM")) == one
    assert grant(world, account, "registrar") != one
    for role, scope, by, code in (
        ("king", {}, "operator:nina", "role-unknown"),
        ("reader", {"authorities": ("CNX",)}, "operator:nina", "authority-unknown"),
        ("reader", {}, f"account:{account}", "own-account"),
    ):
        with pytest.raises(Refusal, match=code):
            grant(world, account, role, by=by, **scope)


def test_a_role_is_taken_back_by_somebody_else_and_the_last_stays(world: World) -> None:
    account, other = joined(world), joined(world, "rosa", key=b"other")
    one, two = grant(world, account, "supervisor"), grant(world, other, "supervisor")
    with writing(world.engine) as db:
        with pytest.raises(Refusal, match="own-account"):
            accounts.end_grant(db, one, origin=Origin(actor=f"account:{account}"), now=world.now)
        accounts.end_grant(db, one, origin=SYSTEM, now=world.now)
        with pytest.raises(Refusal, match="grant-unknown"):
            accounts.end_grant(db, one, origin=SYSTEM, now=world.now)
        with pytest.raises(Refusal, match="last-of-role"):
            accounts.end_grant(db, two, origin=SYSTEM, now=world.now)


def test_whoever_has_not_joined_yet_does_not_count_as_another(world: World) -> None:
    account, waiting = joined(world), invited(world, "rosa").account.id
    one = grant(world, account, "administrator")
    grant(world, waiting, "administrator")
    with writing(world.engine) as db, pytest.raises(Refusal, match="last-of-role"):
        accounts.end_grant(db, one, origin=SYSTEM, now=world.now)


def test_a_counter_that_stands_still_opens_no_session(world: World) -> None:
    joined(world)
    assert begin(world, count=1) is None
    assert begin(world, count=2) is not None


def test_a_session_ends_by_its_holder_by_time_and_by_a_restore(world: World) -> None:
    joined(world)
    one, two, three = begin(world, count=2), begin(world, count=3), begin(world, count=4)
    with writing(world.engine) as db:
        found = sessions.find(db, one or "", now=world.now)
        assert found is not None
        sessions.end(db, found[0].id, origin=SYSTEM, now=world.now)
        sessions.end(db, found[0].id, origin=SYSTEM, now=world.now)
    assert [alive(world, secret) for secret in (one, two, three)] == [False, True, True]
    with writing(world.engine) as db:
        epoch.bump(db)
    assert not alive(world, two)
    world.clock.advance(5 * 3600)
    housekeeping.purge(world.dep)
    with reading(world.engine) as db:
        assert db.query(sessions.AccountSession).count() == 0
        assert db.query(Account).count() == 1
