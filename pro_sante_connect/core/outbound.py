"""The only way out for HTTP: judge, resolve once, call the address that was judged, five seconds for all of it.

    Refused   nothing was sent: the address may not be called (`core/destinations.py`)
    Failed    called, and no whole answer came: `timeout`, `unreachable`, `certificate`, `broken`
    Answered  status, and as much of the body as is read

On the standard library's client rather than urllib3, because the socket must be ours twice: to reach a judged address
under another name, and to end a head that drips, which a timeout between two bytes never does. It follows no redirect,
keeps no cookie, and reads no proxy from the environment.
"""

import io
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, create_connection, gaierror, getaddrinfo, socket
from threading import Lock, Thread
from time import monotonic
from typing import Any, cast
from urllib.parse import urlencode

from pro_sante_connect import __version__
from pro_sante_connect.core.database import in_transaction
from pro_sante_connect.core.destinations import Destination, Refused, allowed, judge

SECONDS = 5.0
MAX_HEAD, MAX_BODY = 16_384, 65_536


@dataclass(frozen=True, slots=True)
class Failed:
    """Called in vain; what was sent may have arrived."""

    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back; of a body longer than `MAX_BODY` the rest was not read."""

    status: int
    body: bytes
    seconds: float


Outcome = Answered | Failed | Refused
Said = tuple[bytes, Mapping[str, str]]  # a body and its own headers
Resolve = Callable[[str, int, float], Collection[str]]


class _Deadline:
    """One moment by which everything is over."""

    def __init__(self, seconds: float) -> None:
        self._began = monotonic()
        self._seconds = seconds

    def spent(self) -> float:
        return monotonic() - self._began

    def left(self) -> float:
        """Seconds left; raises TimeoutError when there are none."""
        left = self._seconds - self.spent()
        if left <= 0:
            raise TimeoutError
        return left


class _Wire(io.RawIOBase):
    """The answering side of a socket, for `HTTPResponse`: each read ends by the deadline, all together by a size."""

    def __init__(self, line: socket, deadline: _Deadline) -> None:
        self._line, self._deadline = line, deadline
        self._most = MAX_HEAD + MAX_BODY

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._most <= 0:
            raise HTTPException("too long")
        self._line.settimeout(self._deadline.left())
        count = self._line.recv_into(buffer)
        self._most -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


class Outbound:
    """The guarded client. `exempt`: `[outbound] exempt`; threads may share one."""

    def __init__(
        self, exempt: Collection[str] = (), *, resolve: Resolve | None = None, seconds: float = SECONDS
    ) -> None:
        self._exempt, self._resolve, self._seconds = frozenset(exempt), resolve or resolved, seconds
        self._context: ssl.SSLContext | None = None
        self._lock = Lock()

    def post(self, url: str, fields: Mapping[str, str]) -> Outcome:
        """Send a form."""
        return self._send(url, urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def push(self, url: str, token: str, authorization: str) -> Outcome:
        """Send a security event token (RFC 8935 §2.1), with the header its receiver wants."""
        said = {"Authorization": authorization} if authorization else {}
        return self._send(url, token.encode(), {"Content-Type": "application/secevent+jwt"} | said)

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """A caller that holds a transaction open is a defect: it would hold it for seconds."""
        if in_transaction():
            raise RuntimeError("a call to the outside within a transaction")
        where = judge(url, self._exempt)
        if isinstance(where, Refused):
            return where
        deadline = _Deadline(self._seconds)
        try:
            addresses = self._addresses(where, deadline)
            refused = allowed(where, addresses)
            return refused or self._exchange(where, addresses, (body, headers), deadline)
        except TimeoutError:
            return Failed("timeout", deadline.spent())
        except ssl.SSLCertVerificationError:
            return Failed("certificate", deadline.spent())
        except (ConnectionRefusedError, _Unreachable):
            return Failed("unreachable", deadline.spent())
        except (OSError, HTTPException, ValueError):  # ValueError: a length or a chunk that is no number
            return Failed("broken", deadline.spent())

    def _addresses(self, where: Destination, deadline: _Deadline) -> Collection[str]:
        try:
            return [str(ip_address(where.host))]
        except ValueError:
            return self._resolve(where.host, where.port, deadline.left())

    def _exchange(self, where: Destination, addresses: Collection[str], said: Said, deadline: _Deadline) -> Answered:
        with _connected(addresses, where.port, deadline) as plain:
            line = self._secured(plain, where, deadline) if where.scheme == "https" else plain
            try:
                return _asked(line, where, said, deadline)
            finally:
                line.close()

    def _secured(self, plain: socket, where: Destination, deadline: _Deadline) -> ssl.SSLSocket:
        """For the name, whatever address was called."""
        with self._lock:
            self._context = self._context or ssl.create_default_context()
        plain.settimeout(deadline.left())
        return self._context.wrap_socket(plain, server_hostname=where.host)


class _Unreachable(Exception):
    """No address of the name took the connection."""


def _connected(addresses: Collection[str], port: int, deadline: _Deadline) -> socket:
    """The first that answers; each gets its share of the time, so that one that is silent does not take it all."""
    for place, address in enumerate(addresses):
        try:
            line = create_connection((address, port), deadline.left() / (len(addresses) - place))
        except OSError:
            continue
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return line
    deadline.left()
    raise _Unreachable


def _asked(line: socket, where: Destination, said: Said, deadline: _Deadline) -> Answered:
    body, own = said
    headers = {
        "Host": where.authority, "Accept": "application/json", **own,
        "Accept-Encoding": "identity", "User-Agent": f"pro-sante-connect/{__version__}", "Connection": "close",
    }  # fmt: skip
    line.settimeout(deadline.left())
    connection = HTTPConnection(where.host, where.port)
    connection.sock = line
    connection.request("POST", where.target, body, headers)
    response = HTTPResponse(cast(Any, _Wire(line, deadline)), method="POST")
    response.begin()
    heard = response.read(MAX_BODY) if response.length is None or response.length else b""
    return Answered(response.status, heard, deadline.spent())


def resolved(host: str, port: int, seconds: float) -> list[str]:
    """The system's answer, asked in a thread of its own since the call cannot be cut; empty for an unknown name."""
    heard: SimpleQueue[list[str]] = SimpleQueue()

    def ask() -> None:
        try:
            found = getaddrinfo(host, port, type=SOCK_STREAM)
            heard.put(list(dict.fromkeys(str(one[4][0]) for one in found)))
        except (gaierror, UnicodeError):
            heard.put([])

    Thread(target=ask, daemon=True, name="resolve").start()
    try:
        return heard.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
