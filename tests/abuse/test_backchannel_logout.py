"""Services are told that a session ended: by whom the provider can be led, held up, or made to lie."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbound import Outbound as Client
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.settings import Outbound, Settings
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.worker import Worker
from tests.oidc.parties import Cast, document, make_cast, payload
from tests.receivers import Receiver, receiving
from tests.serving import Served, serving
from tests.signals.parties import Stage
from tests.web.test_pages import ask, follow, returned, signed_in


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def served(engine: Engine, receiver: Receiver) -> Iterator[Served]:
    with serving(engine, replace(Settings(), outbound=Outbound(exempt=(receiver.place,)))) as running:
        yield running


@pytest.fixture
def people(served: Served) -> Cast:
    cast = make_cast(served.world)
    cast.machine = served.app.extensions["psc"].machine
    return cast


@pytest.fixture(autouse=True)
def a_minute_passes() -> None:
    """Each test has a house of its own."""


def signed_in_at(served: Served, people: Cast, *services: tuple[str, str]) -> dict[str, str]:
    """One session, through the front door; the last ID token."""
    browser, tokens = signed_in(served, people), {}
    for one in services:
        code = returned(follow(served, browser, ask(served, browser, one[0])))["code"]
        tokens = document(people.redeem(one, code))
    return tokens


def worked(served: Served, receiver: Receiver, *, seconds: float = 5) -> None:
    """A worker's turns until nothing is under way."""
    worker = Worker(served.world.dep, sender=Client({receiver.place}, seconds=seconds))
    for _ in range(4):
        worker.turn()
    worker.stop.set()
    worker.run()


INSIDE = [
    "https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/",
    "https://0x7f000001:{port}/", "https://2130706433:{port}/", "https://0177.0.0.1:{port}/", "https://127.1:{port}/",
    "https://169.254.169.254/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/",
    "http://127.0.0.1:{port}/", "http://recepteur.example/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/",
    "https://user@recepteur.example/", "https://recepteur.example/#x",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_ab_lo_11_an_address_inside_is_refused_at_registration(
    served: Served, people: Cast, receiver: Receiver, address: str
) -> None:
    with pytest.raises(Refusal) as caught:
        people.client(backchannel_logout_uri=address.format(port=receiver.port))
    [problem] = caught.value.facts["problems"]
    assert problem.startswith("backchannel-logout-uri-refused:")
    assert receiver.heard == []


def test_ab_lo_11_no_redirect_is_followed_and_no_rebound_name_called(
    served: Served, people: Cast, receiver: Receiver
) -> None:
    stage = Stage(people)
    stage.service("redirects", receiver.url("redirect"), asks_consent=False)
    led, rebound = ("redirects", ""), stage.service("rebound", f"https://rebound.example:{receiver.port}/204")
    stage.end(stage.visit(led, rebound))
    sender = Client({receiver.place}, resolve=lambda host, *_: ["127.0.0.1"])
    worker = Worker(served.world.dep, sender=sender)
    for _ in range(3):
        worker.turn()
    worker.stop.set()
    worker.run()
    assert [path for path, _, _ in receiver.heard] == ["/redirect"]
    assert {row.client_id: row.last_cause for row in stage.ledger()} == {
        "redirects": "status-307", "rebound": "address-inside",
    }  # fmt: skip


def test_ab_lo_10_12_the_logout_token_says_which_session_and_where_it_goes_is_ours_to_say(
    served: Served, people: Cast, receiver: Receiver
) -> None:
    service = Stage(people).service("a", receiver.url("out"), asks_consent=False)
    tokens = signed_in_at(served, people, service)
    asked = {"id_token_hint": tokens["id_token"], "client_session_host": "evil.example"}
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    requests.get(served.oidc + "/logout", asked, headers=forged, timeout=10)
    worked(served, receiver)
    [(path, head, form)] = receiver.heard
    assert path == "/out"
    assert f"\r\nHost: {receiver.place}\r\n" in head
    assert "evil" not in head
    said, known = payload(form["logout_token"]), payload(tokens["id_token"])
    assert (said["sid"], said["sub"], said["aud"]) == (known["sid"], known["sub"], service[0])
    assert said["exp"] - said["iat"] <= 120
    assert "nonce" not in said


def test_ab_lo_10_a_logout_token_opens_nothing_here(served: Served, people: Cast, receiver: Receiver) -> None:
    """Whoever holds one cannot pass it for an access token or for a hint that ends a session."""
    service = Stage(people).service("a", receiver.url("out"), asks_consent=False)
    tokens = signed_in_at(served, people, service)
    requests.get(served.oidc + "/logout", {"id_token_hint": tokens["id_token"]}, timeout=10)
    worked(served, receiver)
    [token] = receiver.tokens("out")
    assert people.userinfo(token).status == 401
    assert people.introspect(service, token) == {"active": False}
    other = signed_in_at(served, people, service)
    answer = requests.get(served.oidc + "/logout", {"id_token_hint": token}, timeout=10, allow_redirects=False)
    assert answer.status_code != 500
    assert people.userinfo(other["access_token"]).status == 200


def test_ab_lo_13_services_that_hang_do_not_hold_up_the_person_who_leaves(
    served: Served, people: Cast, receiver: Receiver
) -> None:
    """Nothing is sent by the request: whatever services do, it is over before they hear of it."""
    stage = Stage(people)
    silent = [stage.service(f"s{number}", receiver.url(f"s{number}/hang"), asks_consent=False) for number in range(20)]
    tokens = signed_in_at(served, people, *silent)
    left = requests.get(served.oidc + "/logout", {"id_token_hint": tokens["id_token"]}, timeout=10)
    assert left.status_code == 200
    assert receiver.heard == []
    worked(served, receiver, seconds=0.5)
    assert len(receiver.heard) == 20
    assert {(row.state, row.last_cause) for row in stage.ledger()} == {("waiting", "timeout")}


def test_ab_lo_14_a_suspension_is_told_to_every_service_of_the_person(
    served: Served, people: Cast, receiver: Receiver
) -> None:
    stage = Stage(people)
    three = [stage.service(name, receiver.url(name), asks_consent=False) for name in ("a", "b", "c")]
    signed_in_at(served, people, *three)
    served.world.clock.advance(1)
    with writing(served.world.engine) as db:
        someone = registry.get(db, people.practitioner)
        practice.decide(db, someone, decisions.suspend, reason="DISC", origin=SYSTEM, now=served.world.now)
    worked(served, receiver)
    assert sorted(path for path, _, _ in receiver.heard) == ["/a", "/b", "/c"]
