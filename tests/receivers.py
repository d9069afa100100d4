"""A service that hears what we send, on a real socket: what it answers is the last word of the path."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

LONG = 30.0


@dataclass
class Receiver:
    """`heard` is a list of (path, head, form), `bodies` what was sent; `answers` gives a path another answer than its
    last word."""

    port: int
    heard: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> str:
        return f"localhost:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.place}/{path}"

    def tokens(self, path: str) -> list[str]:
        """Logout tokens that arrived there, in their order."""
        return [form["logout_token"] for at, _, form in list(self.heard) if at == f"/{path}"]


def _plain(status: str, body: bytes = b"") -> Callable[[Any, Receiver], None]:
    def answer(line: Any, _: Receiver) -> None:
        line.sendall(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body))

    return answer


def _hang(_: Any, receiver: Receiver) -> None:
    receiver.over.wait(LONG)


def _redirect(line: Any, receiver: Receiver) -> None:
    to = receiver.url("redirected").encode()
    line.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % to)


def _drip(begin: bytes) -> Callable[[Any, Receiver], None]:
    def answer(line: Any, receiver: Receiver) -> None:
        line.sendall(begin)
        while not receiver.over.wait(0.05):
            line.sendall(b"x")

    return answer


def _stream(line: Any, receiver: Receiver) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not receiver.over.is_set():
        line.sendall(b"x" * 65_536)


def _close(_line: Any, _receiver: Receiver) -> None:
    return


ANSWERS: dict[str, Callable[[Any, Receiver], None]] = {
    "200": _plain("200 OK", b"{}"),
    "204": _plain("204 No Content"),
    "202": _plain("202 Accepted"),
    "400": _plain("400 Bad Request", b'{"error": "invalid_request", "error_description": "not mine"}'),
    "400-odd": _plain("400 Bad Request", b"<html>\x1b[31m no \xff"),
    "404": _plain("404 Not Found"),
    "500": _plain("500 Internal Server Error", b"x" * 200_000),
    "hang": _hang,
    "redirect": _redirect,
    "drip-head": _drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
    "drip-body": _drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    "long-head": _drip(b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 9000),
    "fat-head": lambda line, _: line.sendall(b"HTTP/1.1 200 OK\r\n" + (b"X-Fat: " + b"x" * 40_000 + b"\r\n") * 9),
    "stream": _stream,
    "close": _close,
    "nonsense": lambda line, _: line.sendall(b"\x00\x01 nonsense\r\n\r\n"),
    "length": lambda line, _: line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=600) as listening:
        receiver = Receiver(listening.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listening, receiver, context), daemon=True)
        thread.start()
        yield receiver
        receiver.over.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listening: socket.socket, receiver: Receiver, context: ssl.SSLContext | None) -> None:
    serving = []
    while not receiver.over.is_set():
        try:
            line, _ = listening.accept()
        except OSError:
            break
        serving.append(threading.Thread(target=_serve, args=(line, receiver, context), daemon=True))
        serving[-1].start()
    for one in serving:
        one.join()


def _serve(plain: socket.socket, receiver: Receiver, context: ssl.SSLContext | None) -> None:
    with plain, suppress(OSError):
        line = context.wrap_socket(plain, server_side=True) if context else plain
        with line:
            head, body = _request(line)
            path = head.split(" ")[1].partition("?")[0]
            receiver.bodies.append(body)
            receiver.heard.append((path, head, {name: values[0] for name, values in parse_qs(body).items()}))
            last = receiver.answers.get(path.strip("/"), path.rpartition("/")[2])
            ANSWERS.get(last, ANSWERS["204"])(line, receiver)


def _request(line: socket.socket) -> tuple[str, str]:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _more(line)
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next(int(one[15:]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _more(line)
    return head.decode(), body.decode()


def _more(line: socket.socket) -> bytes:
    found = line.recv(65_536)
    if not found:
        raise ConnectionResetError
    return found
