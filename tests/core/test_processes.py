"""Children end with us, and come back when they fall."""

import os
import signal
import socket
import sys
from pathlib import Path
from threading import Event

import psutil

from pro_sante_connect.core.processes import Companion, end, end_with_parent, port_problem, spawn

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FALLS_ONCE = """
import pathlib, sys, time
counter = pathlib.Path(sys.argv[1])
before = counter.read_text() if counter.exists() else ''
counter.write_text(before + 'x')
time.sleep(60 if before else 0)
"""
WITH_PARENT = """
from pro_sante_connect.core.processes import end_with_parent
end_with_parent()
import time
time.sleep(60)
"""


def test_a_child_that_will_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        child = spawn([sys.executable, "-c", STUBBORN], log=file)
    while b"up" not in log.read_bytes():
        pass
    end([child], within=0.1)
    assert child.returncode == -signal.SIGKILL


def test_a_child_ends_when_its_parent_is_gone() -> None:
    child = spawn([sys.executable, "-c", WITH_PARENT])
    assert child.stdin is not None
    child.stdin.close()  # what the kernel does when the parent dies
    assert child.wait(15) == -signal.SIGTERM


def test_a_companion_that_falls_is_started_again_until_the_end(tmp_path: Path) -> None:
    counter = tmp_path / "starts"
    companion = Companion([sys.executable, "-c", FALLS_ONCE, str(counter)], pause=0.01)
    companion.start()
    while not counter.exists() or len(counter.read_text()) < 2:
        pass
    companion.end()
    assert len(counter.read_text()) == 2
    assert not [child for child in psutil.Process().children() if str(counter) in child.cmdline()]


def test_a_companion_that_is_just_starting_ends_too() -> None:
    companion = Companion([sys.executable, "-c", "pass"])
    companion.start()
    companion.end()


def test_the_end_of_the_parent_reaches_us_as_sigterm() -> None:
    told, kept = Event(), os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.write(writing, b"x")
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        end_with_parent()
        os.close(writing)
        assert told.wait(15)
    finally:
        signal.signal(signal.SIGTERM, before)
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)


def test_a_taken_port_and_a_foreign_address_are_problems() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert "is in use" in str(port_problem("127.0.0.1", other.getsockname()[1]))
    assert "cannot be bound" in str(port_problem("192.0.2.1", 0))


def test_a_free_port_has_no_problem() -> None:
    assert port_problem("127.0.0.1", 0) is None
    assert port_problem("::1", 0) is None
