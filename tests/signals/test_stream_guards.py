"""What streams owe when decisions end by themselves, when parts are stopped, and when nobody listens."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, update

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core import outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbound import Outbound
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Decision
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.fan_out import fan_out
from pro_sante_connect.signals.housekeeping import purge
from pro_sante_connect.signals.security_events import CLAIMS_CHANGED, DISABLED, ENABLED
from pro_sante_connect.signals.stream_models import Stream, StreamEvent, StreamSubject
from pro_sante_connect.signals.streams import PUSH
from pro_sante_connect.signals.worker import Worker
from tests.receivers import Receiver
from tests.serving import Served
from tests.signals.parties import Stage
from tests.signals.test_streams import Service, receiver, served, service, stage, tell
from tests.world import SeededChance

__all__ = ["receiver", "served", "stage"]
DAY = 86_400


def listening(served: Served, stage: Stage) -> Service:
    """A service that the person opened once."""
    own = service(served, stage)
    own.create(events_requested=[DISABLED, ENABLED, CLAIMS_CHANGED])
    stage.visit(own.client)
    return own


def stop(served: Served, stage: Stage, verb: Callable[..., Any], **terms: Any) -> Decision:
    with writing(served.world.engine) as db:
        person = registry.get(db, stage.cast.practitioner)
        made: Decision = practice.decide(db, person, verb, reason="ADM", origin=SYSTEM, now=served.world.now, **terms)
        return made


def test_a_suspension_that_ends_on_its_day_is_told_as_well(served: Served, stage: Stage, receiver: Receiver) -> None:
    own = listening(served, stage)
    stop(served, stage, decisions.suspend, until=served.world.now + timedelta(days=1))
    tell(served, receiver)
    assert own.news() == [DISABLED]
    served.world.clock.advance(2 * DAY)
    tell(served, receiver)
    assert own.news() == [ENABLED]


def test_the_end_of_one_of_two_is_no_news_and_one_lifted_before_is_told_once(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own = listening(served, stage)
    stop(served, stage, decisions.suspend, until=served.world.now + timedelta(days=1))
    stop(served, stage, decisions.suspend, until=served.world.now + timedelta(days=9))
    tell(served, receiver)
    own.news()
    served.world.clock.advance(2 * DAY)
    tell(served, receiver)
    assert own.news() == []
    stop(served, stage, decisions.reinstate)
    tell(served, receiver)
    assert own.news() == [ENABLED]
    served.world.clock.advance(9 * DAY)
    tell(served, receiver)
    assert own.news() == []


def test_lifting_a_part_restores_no_account(served: Served, stage: Stage, receiver: Receiver) -> None:
    own = listening(served, stage)
    made = stop(served, stage, decisions.suspend, activite=stage.cast.activites[0])
    tell(served, receiver)
    assert own.news() == [CLAIMS_CHANGED]
    with writing(served.world.engine) as db:
        person = registry.get(db, stage.cast.practitioner)
        decisions.lift(db, person, made.id, reason="ADM", origin=SYSTEM, now=served.world.now)
    tell(served, receiver)
    assert own.news() == [CLAIMS_CHANGED]


def test_stopping_her_only_exercice_stops_the_account_until_it_ends(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own = listening(served, stage)
    until = served.world.now + timedelta(days=1)
    stop(served, stage, decisions.suspend, exercice=("10", "C"), until=until)
    tell(served, receiver)
    assert sorted(own.news()) == sorted([CLAIMS_CHANGED, DISABLED])
    served.world.clock.advance(2 * DAY)
    tell(served, receiver)
    assert sorted(own.news()) == sorted([CLAIMS_CHANGED, ENABLED])


@pytest.mark.parametrize("heard", [True, False])
def test_events_are_forgotten_heard_or_not(served: Served, stage: Stage, heard: bool) -> None:
    own = service(served, stage)
    own.create()
    own.call("POST", "verification", {"stream_id": own.held})
    if heard:
        own.news()
    served.world.clock.advance(400 * DAY)
    purge(served.world.dep)
    with reading(served.world.engine) as db:
        assert db.scalar(select(func.count(StreamEvent.id))) == 0


def test_a_disabled_stream_keeps_no_verification(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    own.create()
    named = {"stream_id": own.held}
    own.call("POST", "status", named | {"status": "disabled"})
    own.call("POST", "verification", named)
    own.call("POST", "status", named | {"status": "enabled"})
    assert own.poll()["sets"] == {}


def test_subjects_whom_nobody_bears_are_not_kept(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    issuer = own.create()["iss"]
    for number in range(3):
        subject = {"format": "iss_sub", "iss": issuer, "sub": f"{number}" + "x" * 1900}
        answer = own.call("POST", "subjects/remove", {"stream_id": own.held, "subject": subject})
        assert answer.status_code == 204
    with reading(served.world.engine) as db:
        assert db.scalar(select(func.count()).select_from(StreamSubject)) == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "status", {"status": "paused", "reason": "a\0b"}), ("POST", "verification", {"state": "a\0b"}),
        ("POST", "poll/%00", {}), ("POST", "poll/@", {"ack": ["a\0b"]}), ("POST", "poll/@", {"maxEvents": 10**30}),
        ("POST", "poll/@", {"setErrs": {"x": {"err": {}}}}), ("GET", "streams?stream_id=%00", None),
    ],
)  # fmt: skip
def test_what_no_store_keeps_is_refused_calmly(
    served: Served, stage: Stage, method: str, path: str, body: dict[str, Any] | None
) -> None:
    own = service(served, stage)
    own.create()
    named = {} if path.startswith("poll") else {"stream_id": own.held}
    sent = None if body is None else named | {"returnImmediately": True} | body
    assert own.call(method, path.replace("@", own.held), sent).status_code < 500


def test_ended_sessions_do_not_hold_up_what_happened_to_people(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    world, subject = served.world, f"practitioner:{stage.cast.practitioner}"
    worker = Worker(world.dep, sender=Outbound({receiver.place}))
    with writing(world.engine) as db:
        outbox.write(db, "practitioner:status-changed", subject, now=world.now, facts={"kind": "absent"})
    for number in range(3):
        with writing(world.engine) as db:
            outbox.write(db, "session:ended", f"session:none-{number}", now=world.now, facts={"reason": "logout"})
        worker._news()
    worker._leave()
    with reading(world.engine) as db:
        waits = select(OutboxNote).where(OutboxNote.closed_at.is_(None), OutboxNote.subject == subject)
        assert db.scalars(waits).all() == []


def test_of_many_streams_asked_for_at_once_one_is_made(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    head = {"Authorization": f"Bearer {own._token()}"}

    def create(_: int) -> int:
        return requests.post(f"{served.base}/ssf/streams", json={}, headers=head, timeout=30).status_code

    with ThreadPoolExecutor(6) as hands:
        assert sorted(hands.map(create, range(6))) == [201] + [409] * 5


def test_a_stream_that_ends_meanwhile_costs_the_others_nothing(served: Served, stage: Stage) -> None:
    own, other = service(served, stage), service(served, stage, "b")
    own.create()
    other.create()
    stage.end(stage.visit(own.client, other.client))
    world = served.world
    with writing(world.engine) as db:
        [note] = outbox.take(db, limit=5, lease=timedelta(minutes=5), now=world.now, topics=("session:ended",))
    with ThreadPoolExecutor(1) as hands:
        late = Meanwhile(lambda: hands.submit(own.call, "DELETE", "streams", stream_id=own.held))
        with writing(world.engine) as db:
            fan_out(db, note, issuer=world.dep.settings.issuer, chance=late, now=world.now)
        assert late.begun is not None
        assert late.begun.result(30).status_code == 204
    assert len(other.poll()["sets"]) == 1


class Meanwhile(SeededChance):
    """Lets something begin when the first identifier is wanted, and time for it to arrive."""

    def __init__(self, begin: Callable[[], Future[requests.Response]]) -> None:
        super().__init__(77)
        self._begin = begin
        self.begun: Future[requests.Response] | None = None

    def uuid(self) -> str:
        if self.begun is None:
            self.begun = self._begin()
            time.sleep(0.3)
        return super().uuid()


def test_a_header_that_cannot_be_opened_stops_its_own_stream_only(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own, other = service(served, stage), service(served, stage, "b")
    own.create(delivery={"method": PUSH, "endpoint_url": receiver.url("202"), "authorization_header": "x"})
    other.create(delivery={"method": PUSH, "endpoint_url": receiver.url("202")})
    with writing(served.world.engine) as db:
        db.execute(update(Stream).where(Stream.id == own.held).values(authorization=b"junk"))
    for one in (own, other):
        one.call("POST", "verification", {"stream_id": one.held})
    tell(served, receiver)
    assert len(receiver.bodies) == 1
