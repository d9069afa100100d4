"""One demo for all tests of this folder, phones played, started by its own command."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.demo.visitor import Visitor


def three_ports(*, after: int = 0) -> int:
    """The first of three free ports in a row, in a range that no other process of this run looks at."""
    own = 20_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(max(own + os.getpid() % 200 * 3, after), own + 1_000 - 3, 3):
        try:
            for offset in range(3):
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


@dataclass
class Demo:
    """A running demo and its card."""

    process: "subprocess.Popen[bytes]"
    data: Path
    port: int
    card: dict[str, Any]
    used: dict[str, int] = field(default_factory=dict)

    def person(self, situation: str) -> dict[str, Any]:
        return next(one for one in self.card["practitioners"] if one["situation"] == situation)

    def client(self, client_id: str) -> dict[str, Any]:
        return next(one for one in self.card["clients"] if one["client_id"] == client_id)

    def otp(self, person: dict[str, Any]) -> str:
        """A one-time code that was not used yet: waits for the next step if need be."""
        while (step := int(time.time()) // 30 + 1) <= self.used.get(person["national_id"], 0):
            time.sleep(0.5)
        if step - 1 > self.used.get(person["national_id"], 0):
            step -= 1
        self.used[person["national_id"]] = step
        return pyotp.TOTP(person["totp_secret"]).at(step * 30)

    def sign_in(self, visitor: Visitor, person: dict[str, Any]) -> str:
        """From the sign-in page, by codes."""
        visitor.send("/sign-in", national_id=person["national_id"])
        return visitor.send(
            "/sign-in/code", national_id=person["national_id"], ecps_code=person["ecps_code"], otp=self.otp(person)
        )

    def addresses(self, national_id: str) -> tuple[str, str]:
        """Where the registry reaches somebody: mail, mobile."""
        ((mail, mobile),) = self.rows(
            "SELECT contact_email, contact_phone FROM practitioners WHERE national_id = ?", national_id
        )
        return mail, mobile

    def strangers(self) -> list[str]:
        """People without an e-CPS whom nothing else plays."""
        found = self.rows(
            "SELECT national_id FROM practitioners p WHERE contact_email LIKE 'p%' AND absent_since IS NULL AND"
            " EXISTS (SELECT 1 FROM activites a WHERE a.practitioner_id = p.id AND a.ended_at IS NULL)"
            " ORDER BY id LIMIT 9"
        )
        return [row[0] for row in found]

    def rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """What the demo's store holds."""
        with closing(sqlite3.connect(f"file:{self.data / 'psc.sqlite3'}?mode=ro", uri=True)) as store:
            return store.execute(statement, values).fetchall()

    def psc(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "pro_sante_connect", "--settings", str(self.data / "psc.toml"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def start(data: Path, port: int, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pro_sante_connect", "demo", "--data", str(data), "--port", str(port), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_card(process: "subprocess.Popen[bytes]") -> str:
    """What it prints until it is ready."""
    assert process.stdout is not None
    said = ""
    while line := process.stdout.readline().decode():
        said += line
        if "Ctrl-C stops everything" in line:
            return said
    raise AssertionError(said)


def stop(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGINT)
    code = process.wait(30)
    assert process.stdout is not None
    process.stdout.close()
    return code


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data, port = tmp_path_factory.mktemp("demo") / "data", three_ports()
    process = start(data, port, "--virtual-phone")
    try:
        wait_card(process)
        yield Demo(process, data, port, json.loads((data / "demo.json").read_text("utf-8")))
        assert stop(process) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
