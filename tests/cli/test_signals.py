"""`psc signals`, and what the doctor says of it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.conftest import call, told
from tests.cli.test_commands import cures, findings


def ledger(house: Path, *states: str) -> None:
    """One delivery in each state, of services a, b, c…, written an hour ago."""
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    with closing(sqlite3.connect(house / "psc.sqlite3")) as db:
        for number, state in enumerate(states):
            name = "abcdef"[number]
            out = f"https://{name}.example/out"
            call("client", "add", name, "--id", name, "--redirect", "https://a.example/cb", "--backchannel-logout", out)
            values = (f"jti-{name}", name, f"sid-{name}", state, now - 3_600_000_000, now - 60_000_000)
            db.execute(
                "INSERT INTO deliveries (jti, client_id, session_id, state, written_at, due_at, practitioner_id,"
                " note_id, attempts, last_cause) VALUES (?, ?, ?, ?, ?, ?, 1, 1, 3, 'timeout')",
                values,
            )
            db.commit()


def test_the_ledger_is_read_by_service_state_and_session(house: Path) -> None:
    assert call("signals", "deliveries").output == "Nothing was to be told.\n"
    ledger(house, "waiting", "dead", "acknowledged", "dead")
    assert [row["client_id"] for row in told("signals", "deliveries")] == ["d", "c", "b", "a"]
    assert [row["client_id"] for row in told("signals", "deliveries", "--state", "dead")] == ["d", "b"]
    assert [row["jti"] for row in told("signals", "deliveries", "--client", "c")] == ["jti-c"]
    [row] = told("signals", "deliveries", "--session", "sid-a")
    assert (row["attempts"], row["cause"], row["due_at"] is None) == (3, "timeout", False)
    assert "CLIENT_ID" in call("signals", "deliveries").output


def test_a_dead_delivery_is_replayed_by_number_or_by_service(house: Path) -> None:
    ledger(house, "waiting", "dead", "acknowledged", "dead")
    [dead] = told("signals", "deliveries", "--client", "b")
    assert call("signals", "replay", str(dead["id"])).output == "1 waits again.\n"
    assert call("signals", "replay", "--client", "d").exit_code == 0
    assert told("signals", "deliveries", "--state", "dead") == []
    [again] = told("signals", "deliveries", "--client", "b")
    assert (again["state"], again["attempts"], again["jti"]) == ("waiting", 0, "jti-b")
    refused = call("signals", "replay", str(dead["id"]))
    assert (refused.exit_code, "delivery-not-dead" in refused.stderr) == (1, True)
    assert call("signals", "replay").exit_code == call("signals", "replay", "1", "--client", "a").exit_code == 2
    assert told("audit", "trail", "client:d")[0]["event"] == "delivery:replayed"


def test_the_doctor_sees_services_that_were_not_told(house: Path) -> None:
    call("keys", "init")
    assert "services told" not in cures()
    ledger(house, "acknowledged", "waiting", "dead")
    assert findings()["services told"] == "1 given up, for c"
    assert "psc signals replay" in cures()["services told"]
    call("client", "edit", "c", "--backchannel-logout", "")  # nobody waits for it any more
    assert findings()["services told"] == "1 wait for over 5 minutes, for b"
    call("client", "disable", "b")
    assert findings()["services told"] == "nothing is late, nothing was given up"
