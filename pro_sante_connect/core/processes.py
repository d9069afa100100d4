"""Processes that live and die together: none is left behind, even by SIGKILL.

A child's stdin is a pipe whose other end only its parent holds: it closes with the parent, however that ended.
"""

import errno
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from threading import Event, Thread
from typing import IO

DRAIN_SECONDS = 30
RESTART_SECONDS = 5.0


def spawn(command: Sequence[str], *, log: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """A child that ends with us. In a session of its own: the terminal's Ctrl-C is ours to pass on."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)  # noqa: S603


def end_with_parent() -> None:
    """In such a child: SIGTERM to ourselves once the parent is gone."""

    def watch() -> None:
        # Not sys.stdin: its lock would be held when the interpreter ends.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()


def end(processes: Sequence["subprocess.Popen[bytes]"], *, within: float = DRAIN_SECONDS) -> None:
    """Ask all, wait, insist."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)


def _close(process: "subprocess.Popen[bytes]") -> None:
    """Our end of its stdin."""
    process.stdin and process.stdin.close()


class Companion:
    """A child that is started again when it falls."""

    def __init__(self, command: Sequence[str], *, pause: float = RESTART_SECONDS) -> None:
        self._command, self._pause = command, pause
        self._stopping = Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._process = spawn(self._command)
            self._process.wait()
            _close(self._process)
            self._stopping.wait(self._pause)

    def end(self) -> None:
        """No more restarts; ask it, wait, insist. It may be starting just now, hence more than once."""
        self._stopping.set()
        while self._thread.is_alive():
            end([self._process] if self._process else [])
            self._thread.join(0.05)


def port_problem(host: str, port: int) -> str | None:
    """Why this port cannot be bound, or None. Asked without SO_REUSEPORT, with which two servers would share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return f"Port {port} on {host} is in use: stop what uses it, or choose another port."
            return f"{host}:{port} cannot be bound: {problem.strerror}."
    return None
