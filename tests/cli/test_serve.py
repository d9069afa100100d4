"""The server as a process: starts, refuses, survives slow clients, drains, leaves nobody behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

TOKEN = "/auth/realms/esante-wallet/protocol/openid-connect/token"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pro_sante_connect", *arguments]


@contextmanager
def served(house: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A server that answers, and its port."""
    port = free_port()
    with (house / "serve.log").open("wb") as log:
        process = subprocess.Popen(command("serve", "--port", str(port), *arguments), cwd=house, stdout=log, stderr=log)
    try:
        for _ in range(600):
            assert process.poll() is None, (house / "serve.log").read_text()
            if answer(port, "/health/ready") == 200:
                break
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.wait()


def answer(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=15)[1]


def test_sigterm_ends_the_server_and_all_its_processes(house: Path) -> None:
    with served(house) as (process, port):
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 3  # one web worker on SQLite, one signals worker, the first one's book-keeper
        assert answer(port, "/health/live") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert gone(family)


def test_a_killed_server_leaves_nobody_behind(house: Path) -> None:
    with served(house) as (process, _):
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert gone(family)


def test_a_request_under_way_is_answered_before_the_end(house: Path) -> None:
    with served(house, "--no-worker") as (process, port), socket.create_connection(("127.0.0.1", port)) as slow:
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ngrant"
        slow.sendall(f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\n".encode() + form)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        slow.sendall(b"_type")
        assert slow.recv(100).startswith(b"HTTP/1.1 401")
        assert process.wait(15) == 0


@pytest.mark.parametrize("part", [
    b"GET /health/live HTTP/1.1\r\nHost: x\r\n",
    f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant".encode(),
], ids=["headers", "body"])  # fmt: skip
def test_slow_clients_do_not_starve_the_server(house: Path, part: bytes) -> None:
    with served(house, "--no-worker") as (_, port):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for connection in slow:
            connection.sendall(part)
        assert [answer(port, "/health/live") for _ in range(6)] == [200] * 6
        for connection in slow:
            connection.close()


def refused(house: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        command(*arguments), cwd=house, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_port_in_use_is_one_sentence(house: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refused(house, "serve", "--port", str(port)).startswith(f"Port {port} on 127.0.0.1 is in use")


def test_an_address_of_another_machine_is_one_sentence(house: Path) -> None:
    assert "cannot be bound" in refused(house, "serve", "--host", "192.0.2.1")


def test_a_store_of_another_version_is_one_sentence(house: Path) -> None:
    port = str(free_port())
    assert "psc database upgrade" in refused(house, "serve", "--port", port, PSC_DATABASE_URL="sqlite:///no.sqlite3")


def test_missing_secrets_are_one_sentence(house: Path) -> None:
    port = str(free_port())
    assert "psc keys init" in refused(house, "serve", "--port", port, PSC_SECRETS_FILE="none")
