"""WSGI: read the body before taking one of the few places in which the application works.

A client that sends its body slowly holds a thread of the server, of which there are many, and nothing else.
"""

from io import BytesIO
from threading import Semaphore
from typing import Any


class Buffered:
    """At most `places` requests are in the application at once; their bodies are complete, unless too large."""

    def __init__(self, application: Any, *, places: int, max_body: int) -> None:
        self._application, self._max_body = application, max_body
        self._places = Semaphore(places)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        announced = environ.get("CONTENT_LENGTH", "")
        if announced.isascii() and announced.isdigit() and 0 < int(announced[:12]) <= self._max_body:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(announced)))
        with self._places:
            return self._application(environ, start_response)
