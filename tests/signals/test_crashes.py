"""A crash at every boundary of every transaction, from the decision to the answer written down."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session as Transaction

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbound import Answered, Outcome
from pro_sante_connect.oidc.models import Session
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.models import ACKNOWLEDGED
from pro_sante_connect.signals.worker import Worker
from tests.oidc.parties import payload
from tests.signals.parties import Stage, make_stage
from tests.world import World


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Boundaries:
    """How many were passed: before each commit, and after it."""

    passed: int = 0


@contextmanager
def dying(at: int) -> Iterator[Boundaries]:
    """At that boundary the process dies: what is not committed is rolled back, what comes after never happens."""
    seen, commit = Boundaries(), Transaction.commit

    def strike() -> None:
        seen.passed += 1
        if seen.passed == at:
            raise Crash

    def struck(db: Transaction) -> None:
        strike()
        commit(db)
        strike()

    with pytest.MonkeyPatch.context() as patch, suppress(Crash):
        patch.setattr(Transaction, "commit", struck)
        yield seen


@dataclass
class Receivers:
    """All services: token ids by session and service."""

    heard: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def post(self, url: str, fields: dict[str, str]) -> Outcome:
        said = payload(fields["logout_token"])
        self.heard.setdefault((said["sid"], said["aud"]), []).append(said["jti"])
        return Answered(204, b"", 0.01)


def decide(stage: Stage, verb: object) -> None:
    with writing(stage.world.engine) as db:
        someone = registry.get(db, stage.cast.practitioner)
        practice.decide(db, someone, verb, reason="D", origin=SYSTEM, now=stage.world.now)


def suspended(stage: Stage) -> bool:
    with reading(stage.world.engine) as db:
        return any(one.lifted_at is None for one in decisions.of(db, stage.cast.practitioner))


def work(stage: Stage, receivers: Receivers) -> None:
    """A worker of its own, until all is told."""
    worker = Worker(stage.world.dep, sender=receivers)
    for _ in range(3):
        worker.turn()
    worker.stop.set()
    worker.run()


def test_wherever_it_crashes_everybody_is_told_under_one_token_id(world: World) -> None:
    stage, at = make_stage(world), 0
    services = [stage.service(name) for name in ("a", "b")]
    while True:
        at += 1
        sid, receivers = stage.visit(*services), Receivers()
        world.clock.advance(1)
        with dying(at) as seen:
            decide(stage, decisions.suspend)
            work(stage, receivers)
        struck = seen.passed >= at
        if not suspended(stage):  # nothing happened, and whoever decided saw that
            with reading(world.engine) as db:
                assert db.get_one(Session, sid).ended_at is None
            assert receivers.heard == {}
            decide(stage, decisions.suspend)
        world.clock.at += timedelta(minutes=5)
        work(stage, receivers)
        rows = [row for row in stage.ledger() if row.session_id == sid]
        assert [(row.client_id, row.state) for row in rows] == [("a", ACKNOWLEDGED), ("b", ACKNOWLEDGED)], at
        assert {key: set(jtis) for key, jtis in receivers.heard.items()} == {
            (sid, row.client_id): {row.jti} for row in rows
        }, at
        decide(stage, decisions.reinstate)
        world.clock.advance(1)
        if not struck:
            break
    assert at > 20
