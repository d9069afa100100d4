"""Children end with us, and come back when they fall."""

import signal
import sys
from pathlib import Path

import psutil

from pro_sante_connect.core.processes import Companion, end, port_problem, spawn

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
    assert not psutil.Process().children()


def test_a_companion_that_was_never_started_ends_too() -> None:
    companion = Companion([sys.executable, "-c", "pass"])
    companion.start()
    companion.end()


def test_a_free_port_has_no_problem() -> None:
    assert port_problem("127.0.0.1", 0) is None
    assert port_problem("::1", 0) is None
