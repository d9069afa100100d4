"""HTTP/1.1 as uvicorn speaks it, with a size for a request's head and a time for the whole request.

uvicorn leaves both open: a client that never comes to an end would hold a place, and its memory, for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# How uvicorn is asked to serve, in a worker as in a test.
SERVED: dict[str, Any] = {
    "loop": "uvloop", "ws": "none", "lifespan": "off", "interface": "asgi3", "proxy_headers": False,
    "server_header": False, "log_config": None, "log_level": "warning", "access_log": False,
}  # fmt: skip
HEAD_BYTES = 65_536
REQUEST_SECONDS = 20.0


class Protocol(HttpToolsProtocol):
    """One connection."""

    _late: asyncio.TimerHandle | None = None
    _in_head = _under_way = True
    _head = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head = self._under_way = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._under_way = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._under_way:
            self._expect()
        else:
            self._in_time()
        self._head = self._head + len(data) if self._in_head else 0
        if self._head > HEAD_BYTES:
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def _expect(self) -> None:
        """The rest must come in time; a request that came whole, as nearly all do, starts no clock."""
        if self._late is None:
            self._late = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
