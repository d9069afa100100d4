"""`psc worker` itself, killed while a service holds its call: the next one tells it again, with the same token id."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine, update

from pro_sante_connect import settings
from pro_sante_connect.app import open_deployment
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.models import Delivery, Lease
from tests.oidc.parties import payload
from tests.receivers import Receiver, receiving
from tests.signals.parties import Stage, make_stage
from tests.world import World

PSC = [sys.executable, "-m", "pro_sante_connect"]


@contextmanager
def working(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*PSC, "worker"], cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def stage(engine: Engine, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    chosen = {
        "PSC_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "PSC_SECRETS_FILE": str(tmp_path / "secrets"), "PSC_OUTBOUND_EXEMPT": receiver.place,
    }  # fmt: skip
    for name in [name for name in os.environ if name.startswith("PSC_")]:
        monkeypatch.delenv(name)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    subprocess.run([*PSC, "keys", "init"], check=True, capture_output=True, cwd=tmp_path)
    dep = open_deployment(settings.read({}, chosen))
    yield make_stage(cast(Any, World)(dep, SystemClock(), SystemChance()))
    dep.engine.dispose()


def leases_run_out(stage: Stage) -> None:
    """As if the minutes had passed."""
    with writing(stage.world.engine) as db:
        db.query(Lease).delete()
        db.execute(update(Delivery).values(leased_until=None))
        db.execute(update(OutboxNote).values(leased_until=None))


def test_a_worker_killed_while_it_tells_loses_nothing(stage: Stage, receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers["out"] = "hang"
    sid = stage.visit(stage.service("a", receiver.url("out")), stage.service("b", receiver.url("b")))
    with writing(stage.world.engine) as db:
        someone = registry.get(db, stage.cast.practitioner)
        practice.decide(db, someone, decisions.suspend, reason="D", origin=SYSTEM, now=stage.world.now)
    with working(tmp_path) as first:
        until(lambda: len(receiver.tokens("out")) == 1 and stage.ledger()[1].state == "acknowledged")
        first.kill()
        first.wait()
    assert [row.state for row in stage.ledger()] == ["waiting", "acknowledged"]
    receiver.answers["out"] = "204"
    leases_run_out(stage)
    with working(tmp_path) as second:
        until(lambda: stage.ledger()[0].state == "acknowledged")
        second.terminate()
        assert second.wait(30) == 0
    one, two = (payload(token) for token in receiver.tokens("out"))
    assert one["jti"] == two["jti"] == stage.ledger()[0].jti
    assert one["sid"] == sid
    assert len(receiver.tokens("b")) == 1
