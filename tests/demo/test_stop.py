"""One suspended person, walked to the open page of her service: over HTTP, by the running demo."""

import json
import time
from collections.abc import Callable

import requests

from tests.demo.conftest import Demo
from tests.demo.visitor import Visitor


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.05)


def still_open(visitor: Visitor, face: str) -> bool:
    return bool(visitor.session.get(face + "/state", timeout=10).json()["open"])


def test_a_suspension_closes_the_sessions_of_the_service_and_the_ledger_says_so(demo: Demo) -> None:
    person, visitor, other = demo.card["practitioners"][-2], Visitor(), Visitor()
    service, agenda = demo.card["demo_service_url"], demo.card["demo_service_url"] + "/agenda"
    for browser, someone in ((visitor, person), (other, demo.card["practitioners"][-3])):
        browser.open(agenda + "/login")
        demo.sign_in(browser, someone)
        assert "Bonjour" in browser.send("/consent")
    visitor.open(service + "/login")  # the other face, in the same session
    if choices := visitor.choice("activity"):
        visitor.send("/activity", activity=choices[0])
    assert "Bonjour" in visitor.send("/consent")
    assert still_open(visitor, agenda)
    assert still_open(visitor, service)

    assert demo.psc("practitioner", "suspend", person["national_id"], "--reason", "test").returncode == 0

    until(lambda: not still_open(visitor, agenda) and not still_open(visitor, service))
    for face in (agenda, service):
        assert "Votre session a été fermée" in visitor.open(face)
    assert still_open(other, agenda)
    until(lambda: len(ledger(demo, person)) == 2)
    assert {row["client_id"] for row in ledger(demo, person)} == {"agenda-partage", "dossier-patient"}
    assert demo.psc("doctor").stdout.count("services told: nothing is late, nothing was given up") == 1


def ledger(demo: Demo, person: dict[str, str]) -> list[dict[str, str]]:
    """What was acknowledged of the sessions of that person."""
    rows = json.loads(demo.psc("signals", "deliveries", "--state", "acknowledged", "--json").stdout)
    hers = demo.rows(
        "SELECT s.id FROM sessions s JOIN practitioners p ON p.id = s.practitioner_id WHERE p.national_id = ?",
        person["national_id"],
    )
    return [row for row in rows if (row["session"],) in hers]


def test_the_service_refuses_what_is_no_logout_token(demo: Demo) -> None:
    for token in ("", "x", "a.b.c"):
        address = demo.card["demo_service_url"] + "/backchannel-logout"
        answer = requests.post(address, {"logout_token": token}, timeout=10)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
