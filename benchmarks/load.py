"""Load: the same bytes over kept connections, timed one by one; and what the server's processes spent on it."""

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median, quantiles
from threading import Barrier
from urllib.parse import urlsplit

import psutil

CONNECTIONS = 8
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer and how long it took, in seconds."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A batch: requests, CPU of server and database in microseconds a request, wall seconds, latencies."""

    requests: int
    cpu: float
    wall: float
    p50: float
    p99: float
    failures: int
    replies: tuple[Reply, ...]


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, base: str) -> None:
        where = urlsplit(base)
        self._address = (where.hostname or "", where.port or 80)
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def send(self, request: bytes) -> Reply:
        began = time.perf_counter()
        try:
            status, headers, body = self._exchange(request)
        except (OSError, ValueError):  # a server may close a kept connection: once more on a new one
            self.close()
            self._open()
            status, headers, body = self._exchange(request)
        took = time.perf_counter() - began
        if headers.get(b"connection", b"").lower() == b"close":
            self.close()
            self._open()
        return Reply(status, body, took)

    def _exchange(self, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        self._socket.sendall(request)
        status = int(self._reader.readline().split()[1]) if self._reader.peek(1) else 0
        if not status:
            raise ValueError("closed")
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if b"content-length" in headers:
            return status, headers, self._reader.read(int(headers[b"content-length"]))
        return status, headers, self._chunks()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._reader.readline(), 16):
            body += self._reader.read(size)
            self._reader.readline()
        self._reader.readline()
        return body

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


def request(method: str, url: str, form: bytes = b"", **headers: str) -> bytes:
    """The bytes of one request."""
    where = urlsplit(url)
    lines = [
        f"{method} {where.path or '/'}{'?' + where.query if where.query else ''} HTTP/1.1",
        f"Host: {where.netloc}",
    ]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    return "\r\n".join([*lines, "", ""]).encode() + form


def spent(processes: Sequence[int]) -> float:
    """CPU seconds of these processes and their children, in nanoseconds where psutil counts hundredths of a second,
    and with the threads that have ended."""
    return sum(_on_cpu(one) for pid in processes for one in (pid, *_children(pid)))


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _on_cpu(pid: int) -> float:
    try:
        return time.clock_gettime(~pid << 3 | 2)  # the process's CPU clock: clock_getcpuclockid(3), CPUCLOCK_SCHED
    except OSError:  # it has ended meanwhile
        return 0.0


def memory(pid: int) -> float:
    """MB resident of the largest process of a server: one worker."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return max(one.memory_info().rss for one in family) / 1e6


def run(base: str, requests: Sequence[bytes], processes: Sequence[int], *, connections: int = CONNECTIONS) -> Measured:
    """Send all of them, spread over the connections."""
    pool = [Connection(base) for _ in range(connections)]

    def share(number: int) -> list[Reply]:
        return [pool[number].send(one) for one in requests[number::connections]]

    before, began = spent(processes), time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        replies = [reply for part in threads.map(share, range(connections)) for reply in part]
    wall = time.perf_counter() - began
    cpu = spent(processes) - before
    for one in pool:
        one.close()
    times = [reply.seconds for reply in replies]
    return Measured(
        requests=len(replies), cpu=cpu / len(replies) * 1e6, wall=wall, p50=median(times) * 1000,
        p99=quantiles(times, n=100)[98] * 1000, failures=sum(reply.status != 200 for reply in replies),
        replies=tuple(replies),
    )  # fmt: skip


def at_once(base: str, one: bytes, times: int) -> list[Reply]:
    """The same request on several connections at the same moment."""
    barrier = Barrier(times)

    def send(connection: Connection) -> Reply:
        barrier.wait(TIMEOUT)
        return connection.send(one)

    pool = [Connection(base) for _ in range(times)]
    with ThreadPoolExecutor(times) as threads:
        replies = list(threads.map(send, pool))
    for connection in pool:
        connection.close()
    return replies
