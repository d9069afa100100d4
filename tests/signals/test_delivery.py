"""Notes are delivered at least once, postponed with growing delays, and die in the end."""

from datetime import datetime, timedelta

import pytest

from pro_sante_connect.core import outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.signals.delivery import LEASE, deliver_due
from pro_sante_connect.signals.models import BoxedMessage
from pro_sante_connect.signals.schedule import next_try
from pro_sante_connect.signals.transport import BoxTransport, Message, Undeliverable
from tests.signals.people import message, notes
from tests.world import World


class Relay:
    """A transport that keeps what it is given, or raises."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.sent: list[Message] = []

    def send(self, message: Message, *, now: datetime) -> None:
        if self.problem is not None:
            raise self.problem
        self.sent.append(message)


def test_a_message_is_sent_once_and_its_note_closed(world: World) -> None:
    message(world)
    relay = Relay()
    assert deliver_due(world.dep, relay) == 1
    assert deliver_due(world.dep, relay) == 0
    (sent,) = relay.sent
    assert (sent.recipient, sent.subject) == ("camille@personnes.example", "Connexion Santé: your e-CPS is frozen")
    assert "http://localhost:8000/activate" in sent.body
    assert notes(world)[0].closed_at == world.now


def test_a_sealed_code_is_opened_for_the_message_and_wiped_with_the_note(world: World) -> None:
    message(world, template="activation-mail", sealed={"code": "7F3K22"})
    relay = Relay()
    deliver_due(world.dep, relay)
    assert "7F3K22" in relay.sent[0].body
    assert notes(world)[0].sealed is None


def test_a_text_message_has_no_subject(world: World) -> None:
    message(world, channel="sms", template="activation-sms", sealed={"code": "7F3K22"})
    relay = Relay()
    deliver_due(world.dep, relay)
    assert relay.sent[0].subject == ""
    assert "\n" not in relay.sent[0].body


def test_a_message_in_the_box_is_read_there(world: World) -> None:
    message(world, language="fr")
    deliver_due(world.dep, BoxTransport(world.engine))
    with reading(world.engine) as db:
        (boxed,) = db.query(BoxedMessage).all()
    assert boxed.subject == "Connexion Santé\u00a0: votre e-CPS est bloquée"
    assert boxed.sent_at == world.now


def test_a_relay_that_is_down_postpones_with_growing_delays(world: World) -> None:
    message(world)
    relay = Relay(ConnectionRefusedError())
    waits = []
    for _ in range(3):
        deliver_due(world.dep, relay)
        due = notes(world)[0].due_at
        waits.append((due - world.now).total_seconds())
        world.clock.at = due
    assert waits == [5, 15, 60]


def test_the_last_failure_buries_the_note(world: World) -> None:
    message(world, sealed={"code": "X"})
    relay = Relay(ConnectionRefusedError())
    for _ in range(10):
        deliver_due(world.dep, relay)
        world.clock.advance(100_000)
    (note,) = notes(world)
    assert note.dead_at is not None
    assert note.sealed is None
    assert note.attempts == 5


@pytest.mark.parametrize("problem", [Undeliverable("recipient refused"), KeyError("message.unknown")])
def test_what_time_does_not_mend_is_buried_at_once(world: World, problem: Exception) -> None:
    message(world)
    deliver_due(world.dep, Relay(problem))
    assert notes(world)[0].dead_at == world.now


def test_a_crash_before_closing_sends_again_when_the_lease_ran_out(world: World) -> None:
    message(world)
    with writing(world.engine) as db:
        outbox.take(db, limit=20, lease=LEASE, now=world.now)
    relay = Relay()
    assert deliver_due(world.dep, relay) == 0
    world.clock.at += LEASE
    assert deliver_due(world.dep, relay) == 1
    assert relay.sent[0].reference == f"psc-{notes(world)[0].id}"


@pytest.mark.parametrize(("attempts", "sealed", "delay"), [
    (1, False, 5), (8, False, 28_800), (9, False, None), (1, True, 5), (4, True, 180), (5, True, None),
])  # fmt: skip
def test_the_schedule(attempts: int, sealed: bool, delay: int | None) -> None:
    expected = None if delay is None else timedelta(seconds=delay)
    assert next_try(attempts, sealed=sealed) == expected


def test_notes_closed_long_ago_are_purged(world: World) -> None:
    message(world)
    deliver_due(world.dep, Relay())
    with writing(world.engine) as db:
        outbox.purge(db, before=world.clock.advance(1))
    assert notes(world) == []
