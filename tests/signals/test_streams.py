"""Shared Signals over HTTP: a stream's life with its exact answers, what is told in it, and to whom it is not."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import Engine

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import SYSTEM, trail
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbound import Outbound
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.settings import Outbound as Exempt
from pro_sante_connect.settings import Settings
from pro_sante_connect.signals import practice, security_events
from pro_sante_connect.signals.streams import POLL, PUSH
from pro_sante_connect.signals.worker import Worker
from tests.oidc.parties import CALLBACK, NATIONAL_ID
from tests.receivers import Receiver, receiving
from tests.serving import Served, serving
from tests.signals.parties import Stage, make_stage

ALL = list(security_events.SUPPORTED)


@dataclass
class Service:
    """A service that calls the stream endpoints in its own name."""

    served: Served
    client: tuple[str, str]
    scope: str = "ssf.read ssf.manage"
    held: str = ""

    def _token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": self.scope}
        answer = requests.post(self.served.oidc + "/token", form, auth=self.client, timeout=10)
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        return requests.request(
            method, f"{self.served.base}/ssf/{path}", json=body, params=query, headers=headers, timeout=30
        )

    def create(self, **wish: Any) -> dict[str, Any]:
        answer = self.call("POST", "streams", {"events_requested": ALL} | wish)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        self.held = made["stream_id"]
        return made

    def poll(self, **wish: Any) -> dict[str, Any]:
        answer = self.call("POST", f"poll/{self.held}", {"returnImmediately": True} | wish)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def read(self, sets: dict[str, str]) -> list[dict[str, Any]]:
        """The claims of the tokens, verified as a receiver does."""
        keys = KeySet.import_key_set(requests.get(self.served.oidc + "/certs", timeout=10).json())
        found = []
        for jti, token in sets.items():
            read = jwt.decode(token, keys, algorithms=["RS256"])
            assert read.header["typ"] == "secevent+jwt"
            assert (read.claims["jti"], read.claims["aud"]) == (jti, self.client[0])
            assert not {"sub", "exp"} & set(read.claims)
            found.append(dict(read.claims))
        return found

    def news(self) -> list[str]:
        """Names of the events that wait, all acknowledged."""
        found = self.poll()
        self.poll(ack=list(found["sets"]), maxEvents=0)
        return [name for claims in self.read(found["sets"]) for name in claims["events"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as heard:
        yield heard


@pytest.fixture
def served(engine: Engine, receiver: Receiver) -> Iterator[Served]:
    with serving(engine, Settings(outbound=Exempt(exempt=(receiver.place,)))) as running:
        yield running


@pytest.fixture
def stage(served: Served) -> Stage:
    return make_stage(served.world)


def service(served: Served, stage: Stage, name: str = "a", **wish: Any) -> Service:
    grants = ("authorization_code", "refresh_token", "client_credentials")
    scopes = ("openid", "scope_all", "ssf.read", "ssf.manage")
    client = stage.service(name, "", grant_types=grants, scopes=scopes, redirect_uris=(CALLBACK,), **wish)
    return Service(served, client)


def tell(served: Served, receiver: Receiver) -> None:
    """All that is due, by a worker of our own."""
    worker = Worker(served.world.dep, sender=Outbound({receiver.place}))
    for _ in range(40):
        worker.turn()
        time.sleep(0.01)
    worker._leave()


def test_the_metadata_name_what_there_is(served: Served) -> None:
    where = f"{served.base}/.well-known/ssf-configuration/auth/realms/esante-wallet"
    told = requests.get(where, timeout=10).json()
    assert told["issuer"] == f"{served.base}/auth/realms/esante-wallet"
    assert requests.get(told["jwks_uri"], timeout=10).json()["keys"]
    assert (told["spec_version"], told["delivery_methods_supported"]) == ("1_0", [PUSH, POLL])
    for name in ("configuration", "status", "add_subject", "remove_subject", "verification"):
        assert requests.post(told[f"{name}_endpoint"], json={}, timeout=10).status_code == 401


def test_a_stream_is_made_read_changed_replaced_and_ended(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    made = own.create(description="agenda")
    assert made["events_delivered"] == ALL
    assert made["delivery"] == {"method": POLL, "endpoint_url": f"{served.base}/ssf/poll/{own.held}"}
    assert own.call("POST", "streams", {}).status_code == 409
    assert own.call("GET", "streams", stream_id=own.held).json() == made
    assert own.call("GET", "streams").json() == [made]
    named = {"stream_id": own.held}
    wanted = named | {"events_requested": [ALL[0], "https://elsewhere.example/event"]}
    changed = own.call("PATCH", "streams", wanted).json()
    assert changed["events_requested"] == wanted["events_requested"]
    assert (changed["events_delivered"], changed["description"]) == ([ALL[0]], "agenda")
    replaced = own.call("PUT", "streams", named).json()
    assert (replaced["events_requested"], replaced["description"]) == ([], "")
    assert own.call("PATCH", "streams", named | {"aud": "another"}).status_code == 400
    assert own.call("DELETE", "streams", stream_id=own.held).status_code == 204
    for method, body in (("GET", None), ("PATCH", named), ("PUT", named), ("DELETE", None)):
        assert own.call(method, "streams", body, stream_id=own.held).status_code == 404, method
    assert own.call("GET", "streams").json() == []


@pytest.mark.parametrize(
    "wish",
    [
        {"events_requested": "all"}, {"events_requested": [1]}, {"description": 7}, {"delivery": {"method": "pigeon"}},
        {"delivery": []}, {"delivery": {"method": PUSH}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://10.0.0.1/in"}},
        {"delivery": {"method": PUSH, "endpoint_url": "http://receiver.example/in"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://receiver.example/in", "authorization_header": "a\nb"}},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_a_400(served: Served, stage: Stage, wish: dict[str, Any]) -> None:
    own = service(served, stage)
    assert own.call("POST", "streams", wish).status_code == 400
    own.create()
    assert own.call("PATCH", "streams", {"stream_id": own.held} | wish).status_code == 400


def test_without_a_good_token_or_body_nothing_is_told(served: Served, stage: Stage) -> None:
    own, other = service(served, stage), service(served, stage, "b")
    own.create()
    where = f"{served.base}/ssf/streams"
    assert requests.get(where, timeout=10).status_code == 401
    assert requests.get(where, headers={"Authorization": "Bearer x"}, timeout=10).status_code == 401
    reader = Service(served, own.client, scope="ssf.read")
    assert reader.call("GET", "streams", stream_id=own.held).status_code == 200
    assert reader.call("DELETE", "streams", stream_id=own.held).status_code == 403
    assert other.call("GET", "streams", stream_id=own.held).status_code == 404
    for broken in (b"{", b"[]", b"\xff", b""):
        headers = {"Authorization": f"Bearer {own._token()}"}
        assert requests.post(where, data=broken, headers=headers, timeout=10).status_code == 400


def test_a_stop_is_heard_in_the_words_of_the_standards(served: Served, stage: Stage, receiver: Receiver) -> None:
    met, never_met = service(served, stage), service(served, stage, "b")
    met.create()
    never_met.create()
    stage.visit(met.client)
    with writing(served.world.engine) as db:
        person = registry.get(db, stage.cast.practitioner)
        practice.decide(db, person, decisions.suspend, reason="DISC", origin=SYSTEM, now=served.world.now)
    tell(served, receiver)
    found = met.read(met.poll()["sets"])
    by_name = {name: claims for claims in found for name in claims["events"]}
    assert set(by_name) == {
        security_events.SESSION_REVOKED, security_events.DISABLED, security_events.SUSPENDED,
    }  # fmt: skip
    revoked = by_name[security_events.SESSION_REVOKED]
    assert revoked["sub_id"]["format"] == "complex"
    assert revoked["sub_id"]["user"]["sub"].endswith(NATIONAL_ID)
    assert revoked["events"][security_events.SESSION_REVOKED]["initiating_entity"] == "admin"
    assert by_name[security_events.DISABLED]["sub_id"]["format"] == "iss_sub"
    assert "DISC" not in str(found)
    assert never_met.poll() == {"sets": {}, "moreAvailable": False}


def test_restoring_and_an_ended_activity_are_heard_and_only_what_was_asked_for(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own = service(served, stage)
    own.create(events_requested=[security_events.ENABLED, security_events.CLAIMS_CHANGED])
    stage.visit(own.client)
    with writing(served.world.engine) as db:
        person = registry.get(db, stage.cast.practitioner)
        practice.decide(db, person, decisions.suspend, reason="DISC", origin=SYSTEM, now=served.world.now)
    tell(served, receiver)
    assert own.news() == []
    served.world.clock.advance(60)
    with writing(served.world.engine) as db:
        person = registry.get(db, stage.cast.practitioner)
        practice.decide(db, person, decisions.reinstate, reason="ADM", origin=SYSTEM, now=served.world.now)
        decisions.end_activite(db, person, stage.cast.activites[0], reason="CHA", origin=SYSTEM, now=served.world.now)
    tell(served, receiver)
    assert sorted(own.news()) == sorted([security_events.ENABLED, security_events.CLAIMS_CHANGED])
    assert own.news() == []


def test_a_poll_gives_the_oldest_until_they_are_acknowledged(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    own.create()
    for number in range(3):
        assert own.call("POST", "verification", {"stream_id": own.held, "state": f"s{number}"}).status_code == 204
        served.world.clock.advance(10)
    first = own.poll(maxEvents=2)
    assert (len(first["sets"]), first["moreAvailable"]) == (2, True)
    assert own.poll(maxEvents=2) == first
    one, two = first["sets"]
    errors = {two: {"err": "invalid_key", "description": "x"}}
    left = own.poll(ack=[one], setErrs=errors)
    assert len(left["sets"]) == 1
    [claims] = own.read(left["sets"])
    assert claims["events"] == {security_events.VERIFICATION: {"state": "s2"}}
    assert claims["sub_id"] == {"format": "opaque", "id": own.held}
    for wish in ({"ack": "x"}, {"maxEvents": -1}, {"maxEvents": True}, {"setErrs": []}):
        assert own.call("POST", f"poll/{own.held}", wish).status_code == 400
    assert own.call("POST", "poll/none", {}).status_code == 404


def test_a_poll_may_wait_for_news(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    own.create()
    with ThreadPoolExecutor(1) as one:
        waits = one.submit(own.call, "POST", f"poll/{own.held}", {})
        assert own.call("POST", "verification", {"stream_id": own.held}).status_code == 204
        assert len(waits.result().json()["sets"]) == 1


def test_a_verification_is_not_asked_for_without_end(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    own.create()
    named = {"stream_id": own.held}
    assert own.call("POST", "verification", named).status_code == 204
    assert own.call("POST", "verification", named).status_code == 429
    assert own.call("POST", "verification", named | {"state": 7}).status_code == 400


def test_a_paused_stream_keeps_a_disabled_one_does_not(served: Served, stage: Stage) -> None:
    own = service(served, stage)
    own.create()
    named = {"stream_id": own.held}
    assert own.call("GET", "status", **named).json() == named | {"status": "enabled"}
    own.call("POST", "verification", named)
    paused = own.call("POST", "status", named | {"status": "paused", "reason": "travaux"})
    assert paused.json() == named | {"status": "paused", "reason": "travaux"}
    assert own.poll()["sets"] == {}
    own.call("POST", "status", named | {"status": "enabled"})
    assert len(own.poll()["sets"]) == 1
    own.call("POST", "status", named | {"status": "disabled"})
    own.call("POST", "status", named | {"status": "enabled"})
    assert own.poll()["sets"] == {}
    assert own.call("POST", "status", named | {"status": "asleep"}).status_code == 400


def test_whom_a_service_removed_it_does_not_hear_of(served: Served, stage: Stage, receiver: Receiver) -> None:
    own = service(served, stage)
    made = own.create(events_requested=[security_events.SESSION_REVOKED])
    subject = security_events.user(made["iss"], f"f:{served.world.dep.settings.issuer.subject_uuid}:{NATIONAL_ID}")
    named = {"stream_id": own.held, "subject": subject}
    assert own.call("POST", "subjects/remove", named).status_code == 204
    stage.end(stage.visit(own.client))
    tell(served, receiver)
    assert own.news() == []
    assert own.call("POST", "subjects/add", named | {"verified": True}).status_code == 200
    stage.end(stage.visit(own.client))
    tell(served, receiver)
    assert own.news() == [security_events.SESSION_REVOKED]
    assert own.call("POST", "subjects/add", {"stream_id": own.held, "subject": "x"}).status_code == 400
    nobody = {"format": "email", "email": "x@y.example"}
    assert own.call("POST", "subjects/add", named | {"subject": nobody}).status_code == 200


def test_a_push_carries_the_token_and_the_receiver_s_own_header(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own = service(served, stage)
    delivery = {"method": PUSH, "endpoint_url": receiver.url("202"), "authorization_header": "Bearer of-mine"}
    made = own.create(delivery=delivery, events_requested=[security_events.SESSION_REVOKED])
    assert made["delivery"] == {"method": PUSH, "endpoint_url": receiver.url("202")}
    assert own.call("POST", f"poll/{own.held}", {}).status_code == 400
    stage.end(stage.visit(own.client), reason="sign-out")
    tell(served, receiver)
    [(_, head, _)] = receiver.heard
    assert "application/secevent+jwt" in head
    assert "Authorization: Bearer of-mine" in head
    [token] = receiver.bodies
    keys = KeySet.import_key_set(requests.get(served.oidc + "/certs", timeout=10).json())
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert claims["events"][security_events.SESSION_REVOKED]["initiating_entity"] == "user"


def test_a_push_that_fails_comes_again_under_the_same_id(served: Served, stage: Stage, receiver: Receiver) -> None:
    own = service(served, stage)
    receiver.answers["in"] = "500"
    own.create(delivery={"method": PUSH, "endpoint_url": receiver.url("in")})
    own.call("POST", "verification", {"stream_id": own.held})
    tell(served, receiver)
    receiver.answers["in"] = "202"
    served.world.clock.advance(5)
    tell(served, receiver)
    served.world.clock.advance(3600)
    tell(served, receiver)
    assert len(receiver.bodies) == 2
    assert receiver.bodies[0].split(".")[1] == receiver.bodies[1].split(".")[1]


def test_a_push_that_is_refused_for_good_is_dead_and_journalled(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    own = service(served, stage)
    own.create(delivery={"method": PUSH, "endpoint_url": receiver.url("400")})
    own.call("POST", "verification", {"stream_id": own.held})
    tell(served, receiver)
    served.world.clock.advance(3600)
    tell(served, receiver)
    assert len(receiver.bodies) == 1
    with reading(served.world.engine) as db:
        [dead] = [one for one in trail(db, f"client:{own.client[0]}") if one.event == Event.DELIVERY_DEAD]
    assert (dead.facts["stream"], dead.facts["cause"], dead.facts["attempts"]) == (
        own.held, "invalid_request: not mine", 1,
    )  # fmt: skip


def test_what_is_stopped_of_a_service_is_stopped_of_its_stream(
    served: Served, stage: Stage, receiver: Receiver
) -> None:
    from pro_sante_connect.oidc import registration
    from pro_sante_connect.oidc.models import Client

    own = service(served, stage)
    own.create(delivery={"method": PUSH, "endpoint_url": receiver.url("202")})
    own.call("POST", "verification", {"stream_id": own.held})
    with writing(served.world.engine) as db:
        registration.disable(db, db.get_one(Client, own.client[0]), origin=SYSTEM, now=served.world.now)
    tell(served, receiver)
    assert receiver.bodies == []
