"""One worker at a time; it seals, forgets, waits for the store, and gives its place back."""

import signal
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Flag
from threading import current_thread, main_thread

import pytest
from sqlalchemy.exc import OperationalError

from pro_sante_connect.audit import seal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import SYSTEM, record
from pro_sante_connect.audit.models import Seal
from pro_sante_connect.core import once
from pro_sante_connect.core.database import open_engine, reading, writing
from pro_sante_connect.core.once import Seen
from pro_sante_connect.core.outbound import Answered, Outcome
from pro_sante_connect.oidc.models import RevokedToken
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from pro_sante_connect.signals import worker as room
from pro_sante_connect.signals.delivery import BATCH
from pro_sante_connect.signals.housekeeping import seal_journal
from pro_sante_connect.signals.models import BoxedMessage, Lease
from pro_sante_connect.signals.transport import Message
from pro_sante_connect.signals.worker import Worker
from tests.signals.parties import make_stage
from tests.signals.people import message
from tests.signals.test_delivery import Relay
from tests.world import FrozenClock, World


def boxed(world: World) -> int:
    with reading(world.engine) as db:
        return db.query(BoxedMessage).count()


def test_a_full_batch_is_followed_at_once_by_the_next(world: World) -> None:
    for _ in range(BATCH + 1):
        message(world)
    worker = Worker(world.dep)
    assert worker.turn() == 0
    assert worker.turn() == room.IDLE_SECONDS
    assert boxed(world) == BATCH + 1


def test_a_second_worker_waits_until_the_first_is_gone(world: World) -> None:
    first, second = Worker(world.dep), Worker(world.dep)
    first.turn()
    message(world)
    assert second.turn() == room.STANDBY_SECONDS
    assert boxed(world) == 0
    first.stop.set()
    first.run()
    assert second.turn() == room.IDLE_SECONDS
    assert boxed(world) == 1


def test_a_worker_that_crashed_loses_its_place_when_its_lease_ends(world: World) -> None:
    Worker(world.dep).turn()
    world.clock.at += room.HELD
    assert Worker(world.dep).turn() == room.IDLE_SECONDS


def test_a_worker_renews_its_lease_and_notices_that_it_lost_it(world: World) -> None:
    first = Worker(world.dep)
    first.turn()
    world.clock.at += room.RENEW
    assert first.turn() == room.IDLE_SECONDS
    with writing(world.engine) as db:
        db.query(Lease).update({"holder": "another", "until": world.now + timedelta(days=1)})
    world.clock.at += room.RENEW
    assert first.turn() == room.STANDBY_SECONDS
    assert first.turn() == room.STANDBY_SECONDS


def test_the_journal_is_sealed_and_whole(world: World) -> None:
    with writing(world.engine) as db:
        for number in range(3):
            record(db, Event.KEY_MADE, f"key:{number}", now=world.now)
    Worker(world.dep).turn()
    with reading(world.engine) as db:
        assert seal.verify(db) == seal.Verdict(3, None)


def test_a_late_straggler_is_found_by_the_full_walk(world: World) -> None:
    with writing(world.engine) as db:
        record(db, Event.KEY_MADE, "key:old", now=world.now - timedelta(days=1))
    assert seal_journal(world.dep) == 0
    assert seal_journal(world.dep, everything=True) == 1


def test_more_entries_than_a_batch_are_sealed_in_one_go(world: World) -> None:
    with writing(world.engine) as db:
        for number in range(501):
            record(db, Event.KEY_MADE, f"key:{number}", now=world.now)
    assert seal_journal(world.dep) == 501
    with reading(world.engine) as db:
        assert db.query(Seal).count() == 501


def test_what_expired_is_forgotten_every_ten_minutes(world: World) -> None:
    worker = Worker(world.dep)
    worker.turn()
    with writing(world.engine) as db:
        once.remember(db, "code", "a", expires_at=world.now)
        db.add(RevokedToken(jti="j", expires_at=world.now))
    world.clock.advance(1)
    worker.turn()
    with reading(world.engine) as db:
        assert (db.query(Seen).count(), db.query(RevokedToken).count()) == (1, 1)
    world.clock.at += room.PURGE_EVERY
    worker.turn()
    with reading(world.engine) as db:
        assert (db.query(Seen).count(), db.query(RevokedToken).count()) == (0, 0)


class Failing(Relay):
    """Raises what a lost store raises, then stops its worker."""

    worker: Worker

    def send(self, *_: object, **__: object) -> None:
        self.worker.stop.set()
        raise OperationalError("SELECT 1", {}, Exception("gone"))


def test_a_store_that_fails_is_waited_for(world: World) -> None:
    message(world)
    transport = Failing()
    worker = transport.worker = Worker(world.dep, transport=transport)
    worker.run()
    with reading(world.engine) as db:
        assert db.query(Lease).count() == 0


class EndingClock(FrozenClock):
    """The moment when a message is about to be taken is when the operator says stop."""

    def now(self) -> datetime:
        if current_thread() is not main_thread():
            signal.raise_signal(signal.SIGTERM)
        return super().now()


def test_sigterm_ends_the_process_after_the_round_in_hand(world: World) -> None:
    message(world)
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        room.run(replace(world.dep, clock=EndingClock()))
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    assert boxed(world) == 1
    with reading(world.engine) as db:
        assert db.query(Lease).count() == 0


def test_a_store_that_is_gone_at_the_end_keeps_nobody(world: World) -> None:
    engine = open_engine("sqlite:////nowhere/psc.sqlite3")
    worker = Worker(replace(world.dep, engine=engine))
    worker.stop.set()
    worker.run()
    engine.dispose()


def test_a_mail_relay_that_hangs_delays_no_service(world: World) -> None:
    """The session ends while the relay holds the message; the message leaves after the service was told."""
    told = Flag()

    class Hanging(Relay):
        def send(self, message: Message, *, now: datetime) -> None:
            stage.end(sid)
            assert told.wait(30)
            super().send(message, now=now)

    class Telling:
        def post(self, url: str, fields: dict[str, str]) -> Outcome:
            told.set()
            worker.stop.set()
            return Answered(204, b"", 0.01)

    stage, relay = make_stage(world), Hanging()
    message(world)
    worker = Worker(world.dep, transport=relay, sender=Telling())
    sid = stage.visit(stage.service("a"))
    worker.run()
    assert len(relay.sent) == 1
    assert [row.state for row in stage.ledger()] == ["acknowledged"]


def test_a_defect_of_either_thread_ends_the_worker(world: World) -> None:
    class Broken(Relay):
        def send(self, message: Message, *, now: datetime) -> None:
            raise ZeroDivisionError

    message(world)
    with pytest.raises(ZeroDivisionError):
        Worker(world.dep, transport=Broken()).run()
    with reading(world.engine) as db:
        assert db.query(Lease).count() == 0


def test_one_turn_carries_a_suspension_to_the_service(world: World) -> None:
    """What `run` does over and over, once in each of its threads."""
    heard = []

    class Telling:
        def post(self, url: str, fields: dict[str, str]) -> Outcome:
            heard.append(url)
            return Answered(204, b"", 0.01)

    stage = make_stage(world)
    stage.visit(stage.service("a"))
    world.clock.advance(1)
    with writing(world.engine) as db:
        someone = registry.get(db, stage.cast.practitioner)
        practice.decide(db, someone, decisions.suspend, reason="D", origin=SYSTEM, now=world.now)
    worker = Worker(world.dep, sender=Telling())
    worker.turn()
    worker.stop.set()
    worker.run()
    assert heard == ["https://a.example/out"]
    assert [row.state for row in stage.ledger()] == ["acknowledged"]
