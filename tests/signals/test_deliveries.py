"""A session that ended becomes one delivery for each service that it met, whatever ended it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core import outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.destinations import Refused
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbound import Answered, Failed, Outcome
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.models import Client, Session
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import deliveries, leasing, practice
from pro_sante_connect.signals.housekeeping import purge
from pro_sante_connect.signals.logout_token import EVENT, claims
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING
from pro_sante_connect.signals.schedule import next_delivery
from pro_sante_connect.signals.verdict import Verdict, judge, reason
from tests.rpps.files import load, person, row, write
from tests.signals.parties import Stage, make_stage
from tests.world import START, World

DONE = Verdict(state=ACKNOWLEDGED, cause="", status=204, milliseconds=7)
LATER = Verdict(state=WAITING, cause="timeout", delay=timedelta(seconds=2))
LOST = Verdict(state=DEAD, cause="invalid_request", status=400)


@pytest.fixture
def stage(world: World) -> Stage:
    return make_stage(world)


def test_each_service_that_the_session_met_is_told_once_and_no_other(stage: Stage) -> None:
    first, second, silent = stage.service("agenda"), stage.service("dossier"), stage.service("muet", url="")
    closed, stranger = stage.service("ferme"), stage.service("autre")
    sid, other = stage.visit(first, first, second, silent, closed), stage.visit(stranger)
    with writing(stage.world.engine) as db:
        registration.disable(db, db.get_one(Client, closed[0]), origin=SYSTEM, now=stage.world.now)
    stage.end(sid)
    stage.end(sid)
    stage.fan_out()
    assert stage.told() == [("agenda", sid), ("dossier", sid)]
    [one, two] = stage.ledger()
    assert one.jti != two.jti
    assert (one.state, one.attempts, one.due_at) == (WAITING, 0, stage.world.now)
    stage.end(other)
    stage.fan_out()
    assert len(stage.ledger()) == 3


def test_a_note_worked_twice_adds_nothing_even_after_the_notes_were_purged(stage: Stage) -> None:
    sid = stage.visit(stage.service("agenda"))
    stage.end(sid)
    stage.fan_out()
    [before] = stage.ledger()
    with writing(stage.world.engine) as db:
        db.query(OutboxNote).delete()
        outbox.write(db, "session:ended", f"session:{sid}", now=stage.world.now)
    stage.fan_out()
    [after] = stage.ledger()
    assert (after.id, after.jti) == (before.id, before.jti)


def test_a_fan_out_that_crashes_before_its_commit_is_done_again(stage: Stage) -> None:
    sid = stage.visit(stage.service("agenda"))
    stage.end(sid)
    with suppress(KeyboardInterrupt), writing(stage.world.engine) as db:
        [note] = outbox.take(db, limit=1, lease=timedelta(minutes=5), now=stage.world.now)
        db.commit()
        deliveries.write(db, sid, note=note.id, chance=stage.world.chance, now=stage.world.now)
        raise KeyboardInterrupt
    stage.fan_out()
    assert stage.ledger() == []
    stage.world.clock.at += timedelta(minutes=5)
    stage.fan_out()
    assert stage.told() == [("agenda", sid)]


def decided(verb: Callable[..., Any], *, room: Callable[..., Any] | None = practice.decide, **terms: Any) -> Any:
    """A decision as commands write it; with `room=None` by the registry's own verb, as whoever forgets the rest."""

    def act(stage: Stage) -> None:
        now = stage.world.now
        said = {name: now + term if isinstance(term, timedelta) else term for name, term in terms.items()}
        with writing(stage.world.engine) as db:
            someone = registry.get(db, stage.cast.practitioner)
            if room is None:
                verb(db, someone, reason="DISC", origin=SYSTEM, now=now, **said)
            else:
                room(db, someone, verb, reason="DISC", origin=SYSTEM, now=now, **said)
        if terms:
            stage.fan_out()
            assert stage.ledger() == []
            stage.world.clock.advance(86_400)

    return act


def suspended_and_reinstated(stage: Stage) -> None:
    """Before any worker came by: what lived before is dead, and nobody ended it."""
    decided(decisions.suspend, room=None)(stage)
    stage.world.clock.advance(1)
    decided(decisions.reinstate, room=None)(stage)


def every_exercice(stage: Stage) -> None:
    with writing(stage.world.engine) as db:
        someone = registry.get(db, stage.cast.practitioner)
        decisions.suspend(db, someone, reason="D", origin=SYSTEM, now=stage.world.now, exercice=("10", "C"))


DAY = timedelta(days=1)
STOPS: dict[str, Callable[[Stage], None]] = {
    "suspension": decided(decisions.suspend), "strike-off": decided(decisions.strike_off),
    "retirement": decided(decisions.retire), "block": decided(decisions.block),
    "suspension by the registry's verb": decided(decisions.suspend, room=None),
    "suspension come due": decided(decisions.suspend, effective=DAY),
    "strike-off come due": decided(decisions.strike_off, effective=DAY),
    "limit come due": decided(decisions.limit, until=DAY),
    "suspended and reinstated": suspended_and_reinstated, "every exercice": every_exercice,
}  # fmt: skip


@pytest.mark.parametrize("stop", STOPS)
def test_whatever_stops_a_person_tells_the_services_of_all_her_sessions(stage: Stage, stop: str) -> None:
    agenda, dossier = stage.service("agenda"), stage.service("dossier")
    one, two = stage.visit(agenda, dossier), stage.visit(agenda)
    stage.world.clock.advance(1)
    STOPS[stop](stage)
    stage.fan_out()
    assert stage.told() == sorted([("agenda", one), ("agenda", two), ("dossier", one)])
    with reading(stage.world.engine) as db:
        assert db.query(Session).filter(Session.ended_at.is_(None)).count() == 0


def test_a_decision_on_one_exercice_of_two_or_one_activity_ends_no_session(stage: Stage) -> None:
    stage.visit(stage.service("agenda"))
    stage.world.clock.advance(1)
    with writing(stage.world.engine) as db:
        someone, activity = registry.get(db, stage.cast.practitioner), stage.cast.activites[0]
        terms: dict[str, Any] = {"reason": "D", "origin": SYSTEM, "now": stage.world.now}
        practice.decide(db, someone, decisions.suspend, activite=activity, **terms)
    stage.fan_out()
    assert stage.ledger() == []


def test_a_session_begun_after_the_reinstatement_goes_on(stage: Stage) -> None:
    suspended_and_reinstated(stage)
    stage.world.clock.advance(1)
    sid = stage.visit(stage.service("agenda"))
    stage.fan_out()
    assert stage.told() == []
    with reading(stage.world.engine) as db:
        assert db.get_one(Session, sid).ended_at is None


def test_a_session_that_ran_out_is_told_too_since_its_services_may_know_her_still(stage: Stage) -> None:
    sid = stage.visit(stage.service("agenda"))
    stage.world.clock.advance(stage.world.dep.settings.lifetimes.session + 60)
    decided(decisions.suspend)(stage)
    stage.fan_out()
    assert stage.told() == [("agenda", sid)]


def test_a_load_from_which_the_person_vanished_tells_her_services(world: World, tmp_path: Path) -> None:
    rows = [row(index) for index in range(20)]
    load(world, write(tmp_path / "one", rows))
    stage = make_stage(world)
    with writing(world.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.id == stage.cast.practitioner).values(origin="local"))
    stage.cast.practitioner = person(world, 0).id
    sid = stage.visit(stage.service("agenda"))
    world.clock.advance(1)
    assert load(world, write(tmp_path / "two", rows[1:]), lenient=True).state == "published"
    stage.fan_out()
    assert stage.told() == [("agenda", sid)]


def test_a_decision_that_is_not_committed_ends_and_tells_nothing(stage: Stage) -> None:
    sid = stage.visit(stage.service("agenda"))
    with suppress(KeyboardInterrupt), writing(stage.world.engine) as db:
        someone = registry.get(db, stage.cast.practitioner)
        practice.decide(db, someone, decisions.suspend, reason="D", origin=SYSTEM, now=stage.world.now)
        db.flush()
        raise KeyboardInterrupt
    stage.fan_out()
    assert stage.ledger() == []
    with reading(stage.world.engine) as db:
        assert db.get_one(Session, sid).ended_at is None


def waiting(stage: Stage, *names: str) -> None:
    """One delivery for each of these services; a name twice stands for two sessions."""
    for name in names:
        with reading(stage.world.engine) as db:
            known = db.get(Client, name) is not None
        stage.end(stage.visit((name, "") if known else stage.service(name)))
    stage.fan_out()


def take(stage: Stage, limit: int = 10, beside: tuple[str, ...] = ()) -> list[deliveries.Taken]:
    with writing(stage.world.engine) as db:
        return deliveries.take(db, beside=beside, limit=limit, now=stage.world.now)


def settle(stage: Stage, taken: deliveries.Taken, verdict: Verdict) -> bool:
    with writing(stage.world.engine) as db:
        return deliveries.settle(db, taken, verdict, now=stage.world.now)


def test_the_oldest_of_each_service_is_taken_and_none_of_those_that_are_busy(stage: Stage) -> None:
    waiting(stage, "a", "a", "b", "c")
    first = take(stage, limit=2)
    assert [one.client_id for one in first] == ["a", "b"]
    assert first[0].url == "https://a.example/out"
    # Whoever takes says which are busy: the second of `a` waits for the first.
    assert [one.client_id for one in take(stage, beside=("a", "b"))] == ["c"]
    assert [one.client_id for one in take(stage)] == ["a"]
    assert take(stage) == []


def test_many_workers_at_once_take_each_delivery_once_and_fan_out_none_twice(stage: Stage) -> None:
    services = [stage.service(f"s{number}") for number in range(12)]
    sids = [stage.visit(*services) for _ in range(2)]
    for sid in sids:
        stage.end(sid)
    with ThreadPoolExecutor(6) as hands:
        list(hands.map(lambda _: stage.fan_out(), range(6)))
        assert len(stage.ledger()) == 24
        taken = [one.id for batch in hands.map(lambda _: take(stage, limit=5), range(12)) for one in batch]
    while left := take(stage):  # who came second to a row went away with less
        taken += [one.id for one in left]
    assert sorted(taken) == [one.id for one in stage.ledger()]


def test_one_answer_of_two_is_written_down(stage: Stage) -> None:
    waiting(stage, "a")
    [one] = take(stage)
    with ThreadPoolExecutor(4) as hands:
        assert sum(hands.map(lambda _: settle(stage, one, LOST), range(4))) == 1
    with reading(stage.world.engine) as db:
        assert [entry.event for entry in journal.trail(db, "client:a")].count("delivery:dead") == 1


def test_a_lease_that_ran_out_is_taken_again_with_the_same_jti(stage: Stage) -> None:
    waiting(stage, "a")
    [lost] = take(stage)
    stage.world.clock.at += leasing.LEASE
    [again] = take(stage)
    assert (again.jti, again.attempts) == (lost.jti, 2)
    # The late one: its failure says nothing any more, its acknowledgement does.
    assert not settle(stage, lost, LATER)
    assert settle(stage, lost, DONE)
    assert not settle(stage, again, LOST)
    [row] = stage.ledger()
    assert (row.state, row.last_status, row.last_milliseconds) == (ACKNOWLEDGED, 204, 7)


def test_what_failed_waits_and_is_taken_when_it_is_due(stage: Stage) -> None:
    waiting(stage, "a")
    [one] = take(stage)
    assert settle(stage, one, LATER)
    assert take(stage) == []
    stage.world.clock.advance(2)
    with reading(stage.world.engine) as db:
        assert deliveries.due(db, beside=(), now=stage.world.now)
        assert not deliveries.due(db, beside=("a",), now=stage.world.now)
    assert [again.jti for again in take(stage)] == [one.jti]


def test_a_service_disabled_meanwhile_has_no_address(stage: Stage) -> None:
    waiting(stage, "a")
    with writing(stage.world.engine) as db:
        registration.disable(db, db.get_one(Client, "a"), origin=SYSTEM, now=stage.world.now)
    assert [one.url for one in take(stage)] == [""]


def test_a_dead_one_is_journalled_and_replayed_under_its_jti(stage: Stage) -> None:
    waiting(stage, "a", "b")
    for one in take(stage):
        settle(stage, one, LOST)
    assert {row.state for row in stage.ledger()} == {DEAD}
    before = [row.jti for row in stage.ledger()]
    [first, second] = stage.ledger()
    with writing(stage.world.engine) as db:
        assert deliveries.replay(db, delivery=first.id, client=None, origin=SYSTEM, now=stage.world.now) == 1
        assert deliveries.replay(db, delivery=None, client="b", origin=SYSTEM, now=stage.world.now) == 1
        with pytest.raises(Refusal, match="delivery-not-dead"):
            deliveries.replay(db, delivery=second.id, client=None, origin=SYSTEM, now=stage.world.now)
    assert [(one.jti, one.attempts) for one in take(stage)] == [(jti, 1) for jti in before]
    with reading(stage.world.engine) as db:
        assert [entry.event for entry in journal.trail(db, "client:a")][:2] == ["delivery:replayed", "delivery:dead"]


def test_the_ledger_is_forgotten_when_its_last_word_is_old_and_what_waits_stays(stage: Stage) -> None:
    waiting(stage, "a", "b", "c")
    first, second, _ = take(stage)
    settle(stage, first, DONE)
    settle(stage, second, LOST)
    stage.world.clock.advance(30 * 86_400)
    purge(stage.world.dep)
    assert len(stage.ledger()) == 3
    stage.world.clock.advance(1)
    purge(stage.world.dep)
    assert [row.client_id for row in stage.ledger()] == ["c"]


@pytest.mark.parametrize(
    ("outcome", "attempts", "state", "cause", "delay"),
    [
        (Answered(200, b"", 0.5), 1, ACKNOWLEDGED, "", None),
        (Answered(204, b"", 0.5), 9, ACKNOWLEDGED, "", None),
        (Answered(400, b'{"error": "invalid_request"}', 0.5), 1, DEAD, "invalid_request", None),
        (Answered(202, b"", 0.5), 1, WAITING, "status-202", 2),
        (Answered(302, b"", 0.5), 1, WAITING, "status-302", 2),
        (Answered(401, b"", 0.5), 2, WAITING, "status-401", 10),
        (Answered(500, b"", 0.5), 8, WAITING, "status-500", 28_800),
        (Answered(500, b"", 0.5), 9, DEAD, "status-500", None),
        (Failed("timeout", 0.5), 1, WAITING, "timeout", 2),
        (Failed("unreachable", 0.5), 9, DEAD, "unreachable", None),
        (Refused("address-inside"), 1, WAITING, "address-inside", 2),
    ],
)
def test_what_an_answer_means(outcome: Outcome, attempts: int, state: str, cause: str, delay: int | None) -> None:
    found = judge(outcome, attempts=attempts)
    assert (found.state, found.cause) == (state, cause)
    assert found.delay == (None if delay is None else timedelta(seconds=delay))
    assert found.milliseconds == (None if isinstance(outcome, Refused) else 500)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "invalid_request", "error_description": "aud"}', "invalid_request: aud"),
        (b'{"error": "a\\u001b[31m\\n\\u202eb"}', "a[31mb"), (b'{"error": 3}', "refused"), (b"[1]", "refused"),
        (b"<html>", "refused"), (b"", "refused"), (b"\xff", "refused"),
        (b'{"error": "' + b"x" * 500 + b'"}', "x" * 80),
    ],
)  # fmt: skip
def test_a_receivers_reason_is_kept_short_and_harmless(body: bytes, said: str) -> None:
    assert reason(body) == said


def test_the_delays_grow_for_half_a_day_and_end() -> None:
    delays = [next_delivery(attempts) for attempts in range(1, 10)]
    assert delays[-1] is None
    known = [delay for delay in delays if delay is not None]
    assert known == sorted(known)
    assert timedelta(hours=11) < sum(known, timedelta()) < timedelta(hours=14)


def test_a_logout_token_says_what_the_specification_asks_and_nothing_of_a_sign_in() -> None:
    said = claims(issuer="https://op.example", client_id="a", subject="f:u:8", sid="s", jti="j", now=START)
    at = int(START.timestamp())
    assert said == {
        "iss": "https://op.example", "aud": "a", "iat": at, "exp": at + 120, "jti": "j", "sub": "f:u:8", "sid": "s",
        "events": {EVENT: {}},
    }  # fmt: skip
