"""Many services at once, each by one call at a time; a crash anywhere loses nothing and keeps the token's id."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy.exc import OperationalError

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.outbound import Answered, Outbound, Outcome
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.oidc.tokens.jose import header_of
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.signals import leasing
from pro_sante_connect.signals.logout_token import EVENT
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING
from pro_sante_connect.signals.post import Post
from tests.oidc.parties import payload
from tests.receivers import Receiver, receiving
from tests.signals.parties import Stage, make_stage
from tests.world import World

GOOD = Answered(204, b"", 0.01)


@pytest.fixture
def stage(world: World) -> Stage:
    return make_stage(world)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def through(post: Post) -> None:
    """Rounds until nothing is under way."""
    while post.round():
        post.wait(5)


def client(receiver: Receiver) -> Outbound:
    return Outbound({receiver.place}, seconds=0.5)


@dataclass
class Scripted:
    """A way out that does as told: by address, what to do before the answer."""

    steps: dict[str, Any] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def post(self, url: str, fields: dict[str, str]) -> Outcome:
        self.under_way[url] += 1
        self.most[url] = max(self.most[url], self.under_way[url])
        self.sent.append((url, str(payload(fields["logout_token"])["jti"])))
        try:
            step = self.steps.get(url)
            return step() if step is not None else GOOD
        finally:
            self.under_way[url] -= 1


ENDS = {
    "200": (ACKNOWLEDGED, ""), "204": (ACKNOWLEDGED, ""), "400": (DEAD, "invalid_request: not mine"),
    "400-odd": (DEAD, "refused"), "202": (WAITING, "status-202"), "404": (WAITING, "status-404"),
    "500": (WAITING, "status-500"), "redirect": (WAITING, "status-307"), "stream": (ACKNOWLEDGED, ""),
    "hang": (WAITING, "timeout"), "drip-head": (WAITING, "timeout"), "drip-body": (WAITING, "timeout"),
    "long-head": (WAITING, "broken"), "close": (WAITING, "broken"), "nonsense": (WAITING, "broken"),
}  # fmt: skip


def test_whatever_receivers_do_each_ends_in_its_state_and_is_called_once(stage: Stage, receiver: Receiver) -> None:
    sid = stage.visit(*(stage.service(word, receiver.url(word)) for word in ENDS))
    stage.end(sid)
    stage.fan_out()
    through(Post(stage.world.dep, client(receiver)))
    assert {row.client_id: (row.state, row.last_cause) for row in stage.ledger()} == ENDS
    assert Counter(path for path, _, _ in receiver.heard) == Counter(f"/{word}" for word in ENDS)
    assert all(row.attempts == 1 and row.last_at == stage.world.now for row in stage.ledger())


def test_who_is_mended_is_told_at_the_next_try_with_the_same_jti(stage: Stage, receiver: Receiver) -> None:
    broken = ("500", "hang", "close", "redirect", "drip-head")
    stage.end(stage.visit(*(stage.service(word, receiver.url(word)) for word in broken)))
    stage.fan_out()
    post = Post(stage.world.dep, client(receiver))
    through(post)
    receiver.answers |= dict.fromkeys(broken, "204")
    through(post)
    assert len(receiver.heard) == len(broken)
    stage.world.clock.advance(2)
    through(post)
    assert {row.state for row in stage.ledger()} == {ACKNOWLEDGED}
    for word in broken:
        first, second = (payload(token) for token in receiver.tokens(word))
        assert first["jti"] == second["jti"]
        assert second["iat"] == first["iat"] + 2  # signed anew: the first would be too old one day


def test_who_never_answers_is_given_up_after_half_a_day(stage: Stage, receiver: Receiver) -> None:
    stage.end(stage.visit(stage.service("a", receiver.url("500"))))
    stage.fan_out()
    post, began = Post(stage.world.dep, client(receiver)), stage.world.now
    while stage.ledger()[0].state == WAITING:
        stage.world.clock.at = max(stage.world.now, stage.ledger()[0].due_at)
        through(post)
    assert (stage.ledger()[0].state, stage.ledger()[0].attempts) == (DEAD, 9)
    assert 11 < (stage.world.now - began).total_seconds() / 3600 < 14
    assert len({payload(token)["jti"] for token in receiver.tokens("500")}) == 1


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_token_is_signed_by_the_algorithm_of_its_client(stage: Stage, receiver: Receiver, algorithm: str) -> None:
    service = stage.service("a", receiver.url("204"), algorithm=algorithm)
    sid = stage.cast.sign_in()
    known = payload(stage.cast.tokens(service, sid)["id_token"])
    stage.end(sid)
    stage.fan_out()
    through(Post(stage.world.dep, client(receiver)))
    [token] = receiver.tokens("204")
    assert header_of(token)["alg"] == algorithm
    assert header_of(token)["typ"] == "logout+jwt"
    dep = stage.world.dep
    ring = KeyRing(dep.engine, dep.vault, dep.clock)
    said = jwt.decode(token, KeySet.import_key_set({"keys": ring.published()}), algorithms=[algorithm]).claims
    assert {name: said[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: known[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert said["events"] == {EVENT: {}}
    assert set(said) == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}


def test_one_service_is_called_by_one_lane_at_a_time(stage: Stage) -> None:
    service = stage.service("a")
    for _ in range(6):
        stage.end(stage.visit(service))
    stage.end(stage.visit(stage.service("b")))
    stage.fan_out()
    sender = Scripted()
    through(Post(stage.world.dep, sender))
    assert sender.most == Counter({"https://a.example/out": 1, "https://b.example/out": 1})
    assert len(sender.sent) == 7
    assert {row.state for row in stage.ledger()} == {ACKNOWLEDGED}


def test_services_that_failed_hold_half_of_the_lanes_and_the_others_go_on(stage: Stage) -> None:
    """Four lanes. Four services do not answer until the others were told."""
    mended, silent = threading.Event(), [f"silent{number}" for number in range(4)]

    def hang() -> Outcome:
        return GOOD if mended.wait(30) else Answered(500, b"", 30)

    sender = Scripted({f"https://{name}.example/out": lambda: Answered(503, b"", 0.01) for name in silent})
    post = Post(stage.world.dep, sender, lanes=4)
    sid = stage.visit(*(stage.service(name) for name in silent))
    stage.end(sid)
    stage.fan_out()
    through(post)
    stage.world.clock.advance(2)
    sender.steps |= {f"https://{name}.example/out": hang for name in silent}
    stage.end(stage.visit(*(stage.service(f"good{number}") for number in range(5))))
    stage.fan_out()
    while sum(row.state == ACKNOWLEDGED for row in stage.ledger()) < 5:
        assert post.round() <= 4
        post.wait(0.05)
    assert post.round() == 2  # half of the lanes hang, the other two found nobody but silent ones
    assert not mended.is_set()
    mended.set()
    through(post)
    assert {row.state for row in stage.ledger()} == {ACKNOWLEDGED}


def test_a_name_that_leads_inside_by_the_time_it_is_called_is_not_called(stage: Stage, receiver: Receiver) -> None:
    stage.end(stage.visit(stage.service("a", f"https://rebound.example:{receiver.port}/204")))
    stage.fan_out()
    through(Post(stage.world.dep, Outbound(resolve=lambda *_: ["127.0.0.1"])))
    assert receiver.heard == []
    [row] = stage.ledger()
    assert (row.state, row.last_cause, row.last_status) == (WAITING, "address-inside", None)


def test_a_service_without_an_address_any_more_is_not_called(stage: Stage) -> None:
    stage.end(stage.visit(stage.service("a")))
    stage.fan_out()
    with writing(stage.world.engine) as db:
        db.get_one(Client, "a").backchannel_logout_uri = ""
    sender = Scripted()
    through(Post(stage.world.dep, sender))
    assert sender.sent == []
    assert (stage.ledger()[0].state, stage.ledger()[0].last_cause) == (DEAD, "address-missing")


class Crash(BaseException):
    """The process is gone: whatever the lane would have handed back is lost."""


def test_a_crash_between_lease_and_answer_sends_again_with_the_same_jti(stage: Stage, receiver: Receiver) -> None:
    """Once before anything was sent, once after the receiver had it and before that was written down."""
    real = client(receiver)

    class Dying:
        def __init__(self, *, sends: bool) -> None:
            self.sends = sends

        def post(self, url: str, fields: dict[str, str]) -> Outcome:
            if self.sends:
                real.post(url, fields)
            died.set()
            raise Crash

    stage.end(stage.visit(stage.service("a", receiver.url("204"))))
    stage.fan_out()
    [before] = stage.ledger()
    for sends in (False, True):
        died = threading.Event()
        dying = Post(stage.world.dep, Dying(sends=sends))
        assert dying.round() == 1
        assert died.wait(10)
        assert stage.ledger()[0].state == WAITING
        # Another worker, before and after the lease ran out.
        assert Post(stage.world.dep, real).round() == 0
        stage.world.clock.at += leasing.LEASE
    through(Post(stage.world.dep, real))
    [after] = stage.ledger()
    assert (after.state, after.attempts, after.jti) == (ACKNOWLEDGED, 3, before.jti)
    assert [payload(token)["jti"] for token in receiver.tokens("204")] == [before.jti] * 2


def test_an_answer_that_the_store_did_not_take_is_written_down_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store fails at the commit; nothing is sent twice."""
    stage.end(stage.visit(stage.service("a")))
    stage.fan_out()
    sender = Scripted()
    post = Post(stage.world.dep, sender)
    assert post.round() == 1
    post.wait(5)
    with monkeypatch.context() as broken:

        def gone(*_: object, **__: object) -> None:
            raise OperationalError("COMMIT", {}, Exception("gone"))

        broken.setattr("sqlalchemy.orm.Session.commit", gone)
        with pytest.raises(OperationalError):
            post.round()
    assert stage.ledger()[0].state == WAITING
    through(post)
    assert stage.ledger()[0].state == ACKNOWLEDGED
    assert len(sender.sent) == 1


def test_a_worker_that_ends_writes_down_what_was_under_way(stage: Stage) -> None:
    stage.end(stage.visit(stage.service("a")))
    stage.fan_out()
    post = Post(stage.world.dep, Scripted())
    post.round()
    post.close()
    assert stage.ledger()[0].state == ACKNOWLEDGED


def test_a_defect_of_one_call_is_a_failed_try_and_the_others_go_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def defect() -> Outcome:
        raise ZeroDivisionError

    stage.end(stage.visit(stage.service("a"), stage.service("b")))
    stage.fan_out()
    through(Post(stage.world.dep, Scripted({"https://a.example/out": defect})))
    assert [(row.state, row.last_cause) for row in stage.ledger()] == [(WAITING, "defect"), (ACKNOWLEDGED, "")]
    assert "ZeroDivisionError" in caplog.text
