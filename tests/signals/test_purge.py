"""What is kept long enough goes, in batches; what still counts is still counted, recognised and refused."""

from contextlib import suppress

import pytest
from sqlalchemy import func, select

from pro_sante_connect.audit import seal
from pro_sante_connect.core.counters import Counter
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import Base
from pro_sante_connect.ecps import code_sign_in, enrolment
from pro_sante_connect.ecps.attempts import QUICK
from pro_sante_connect.oidc.models import Authorization, Session
from pro_sante_connect.rpps.models import Load, Reject
from pro_sante_connect.signals.housekeeping import BATCH, purge, seal_journal
from pro_sante_connect.signals.models import BoxedMessage
from tests.ecps.people import BROWSER, candidate
from tests.ecps.requests import ask
from tests.oidc.parties import document, make_cast
from tests.world import World

DAY = 86_400


def count(world: World, table: type[Base]) -> int:
    with reading(world.engine) as db:
        return int(db.scalar(select(func.count()).select_from(table)) or 0)


def test_sessions_go_with_what_was_given_in_them_a_week_after_their_end(world: World) -> None:
    cast = make_cast(world)
    client = cast.client()
    old = cast.tokens(client, cast.sign_in())
    world.clock.advance(world.dep.settings.lifetimes.session + 7 * DAY)
    purge(world.dep)
    assert (count(world, Session), count(world, Authorization)) == (1, 1)
    world.clock.advance(1)
    cast.tokens(client, cast.sign_in())
    purge(world.dep)
    assert (count(world, Session), count(world, Authorization)) == (1, 1)
    for answer in (cast.userinfo(old["access_token"]), cast.refresh(client, old["refresh_token"])):
        assert answer.status in (400, 401)
    assert cast.introspect(client, old["access_token"]) == {"active": False}


def test_a_purge_blinds_nobody_to_replay_reuse_or_revocation(world: World) -> None:
    cast = make_cast(world)
    client, sid = cast.client(), cast.sign_in()
    code = cast.code(client[0], sid)
    redeemed = document(cast.redeem(client, code))
    first = cast.tokens(client, sid)
    second = document(cast.refresh(client, first["refresh_token"]))
    revoked = cast.tokens(client, sid)["access_token"]
    cast.revoke(client, revoked)
    purge(world.dep)
    assert cast.userinfo(redeemed["access_token"]).status == 200
    assert document(cast.redeem(client, code))["error"] == "invalid_grant"
    assert cast.userinfo(redeemed["access_token"]).status == 401
    assert document(cast.refresh(client, first["refresh_token"]))["error"] == "invalid_grant"
    assert document(cast.refresh(client, second["refresh_token"]))["error"] == "invalid_grant"
    assert cast.userinfo(revoked).status == 401


def test_counts_go_when_their_window_is_over_and_failures_in_a_row_stay(world: World) -> None:
    person = candidate(world).enrol(passkey=False)
    enrolment.ask(person.dep, person.national_id, language="fr", origin=BROWSER)
    ask(person)
    for _ in range(QUICK):
        with suppress(Refusal):
            code_sign_in.sign_in(person.dep, typed=person.national_id, pin="0000", otp="000000", origin=BROWSER)
    world.clock.advance(29)
    purge(world.dep)
    with reading(world.engine) as db:
        kinds = {name.split(":")[0] for name in db.scalars(select(Counter.name))}
    assert kinds == {"activation", "activation-codes", "approvals", "codes"}
    with pytest.raises(Refusal, match="codes-paused"):
        code_sign_in.sign_in(person.dep, typed=person.national_id, pin="0000", otp="000000", origin=BROWSER)
    world.clock.advance(400 * DAY)
    purge(world.dep)
    with reading(world.engine) as db:
        assert [(one.name[:6], one.count) for one in db.scalars(select(Counter))] == [("codes:", QUICK)]


def test_rejected_lines_go_a_month_after_their_load(world: World) -> None:
    with writing(world.engine) as db:
        for closed_at in (world.now, None):
            load = Load(
                state="published", author="t", stamp=world.now, stamp_origin="name", files=[], opened_at=world.now,
                heartbeat_at=world.now, closed_at=closed_at, report={}, running=None if closed_at else 1,
            )  # fmt: skip
            db.add(load)
            db.flush()
            where = {"file": "f", "line": 2, "offset": 9, "reason": "check_digit", "column": "", "national_id": "8998"}
            db.add(Reject(load_id=load.id, **where))
    world.clock.advance(30 * DAY)
    purge(world.dep)
    assert count(world, Reject) == 2
    world.clock.advance(1)
    purge(world.dep)
    assert (count(world, Reject), count(world, Load)) == (1, 2)


def test_the_message_box_is_emptied_of_yesterday_however_full_it_is(world: World) -> None:
    letter = {"channel": "mail", "recipient": "a@personnes.example", "subject": "", "body": "code"}
    with writing(world.engine) as db:
        db.add_all(BoxedMessage(sent_at=world.now, **letter) for _ in range(2 * BATCH + 1))
    world.clock.advance(DAY + 1)
    with writing(world.engine) as db:
        db.add(BoxedMessage(sent_at=world.now, **letter))
    purge(world.dep)
    assert count(world, BoxedMessage) == 1


def test_the_journal_outlives_every_purge(world: World) -> None:
    candidate(world).enrol(passkey=False)
    entries = seal_journal(world.dep)
    world.clock.advance(2000 * DAY)
    purge(world.dep)
    with reading(world.engine) as db:
        assert seal.verify(db) == seal.Verdict(entries, None)
