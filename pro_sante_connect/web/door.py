"""ASGI: the server's way in. Machine addresses are answered in the worker's loop, pages by Flask in threads.

The loop reads requests and their bodies, so that a slow client costs a coroutine and no thread. A machine answer is
a fraction of a millisecond of work: handing it to a thread costs as much as the work itself and makes threads fight
for the interpreter (docs/architecture.md). A writer that would have to wait for another one waits in a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Response

from pro_sante_connect.core.database import Contended
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest
from pro_sante_connect.web.front import Front
from pro_sante_connect.web.paths import folded

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TRANSFER = (b"content-type", b"content-length", b"transfer-encoding")
# An assertion is used up by a transaction before the next one, so such a request cannot be begun again.
ASSERTION = b"client_assertion="
# Machine requests that wait for another writer of the same SQLite file.
WAITING_ROOM = 16


class Door:
    """One per worker. `pages` is a WSGI application, `threads` how many of its requests are at work at once."""

    def __init__(self, front: Front, pages: Any, *, threads: int, max_body: int) -> None:
        self._front, self._pages, self._max_body = front, pages, max_body
        self._at_work = ThreadPoolExecutor(threads, "pages")
        self._waiting = ThreadPoolExecutor(WAITING_ROOM, "waiting")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:  # a repeated header is one with a comma (RFC 9110 §5.2)
            headers[name] = headers[name] + b"," + value if name in headers else value
        body: bytes | None = b""
        if b"content-length" in headers or b"transfer-encoding" in headers:
            try:
                body = await self._body(headers.get(b"content-length", b"0"), receive)
            except ConnectionError:
                return  # nobody listens any more
        path = folded(scope["path"])
        if path in self._front.paths:
            answer = await self._machine(path, scope, headers, body)
        else:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._at_work, self._page, scope, headers, body)
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        if answer.status != 204 and b"content-length" not in dict(fields):
            fields.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})

    async def _body(self, announced: bytes, receive: Receive) -> bytes | None:
        """The whole body, or None when it is too large."""
        if not announced.isdigit() or int(announced[:12]) > self._max_body:
            return None
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if message["type"] == "http.disconnect":
                raise ConnectionError
            if len(body) > self._max_body:
                return None
        return body

    async def _machine(self, path: str, scope: Scope, headers: dict[bytes, bytes], body: bytes | None) -> Answer:
        if body is None:
            return self._front.too_large(path)
        asked = MachineRequest(
            method=scope["method"],
            content_type=headers.get(b"content-type", b"").decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            body=body,
            authorization=headers.get(b"authorization", b"").decode("latin-1"),
            origin=headers.get(b"origin", b"").decode("latin-1"),
            address=self._front.address(_peer(scope), headers.get(b"x-forwarded-for", b"").decode("latin-1")),
        )
        if ASSERTION not in body:
            with suppress(Contended):
                return self._front.answer(path, asked, wait=False)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._waiting, self._front.answer, path, asked)

    def _page(self, scope: Scope, headers: dict[bytes, bytes], body: bytes | None) -> Answer:
        response = Response.from_app(self._pages, _environ(scope, headers, body), buffered=True)
        return Answer(response.status_code, tuple(response.headers.to_wsgi_list()), response.get_data())


def _peer(scope: Scope) -> str:
    client: Iterable[Any] | None = scope.get("client")
    return str(next(iter(client))) if client else ""


def _environ(scope: Scope, headers: dict[bytes, bytes], body: bytes | None) -> dict[str, Any]:
    """PEP 3333. A body that was not read keeps its announced length, which the application refuses."""
    host, port = scope.get("server") or ("localhost", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope.get("raw_path") or scope["path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": _peer(scope),
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "CONTENT_TYPE": headers.get(b"content-type", b"").decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)) if body is not None else str(2**40),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": BytesIO(body or b""),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        # A header with an underscore would pass for the one with a dash.
        if b"_" not in name and name not in TRANSFER:
            environ["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    return environ
