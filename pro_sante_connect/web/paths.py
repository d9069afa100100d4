"""Doubled slashes are folded before routing. A redirect would lose a POST; some clients write `//userinfo`."""

import re
from typing import Any

_DOUBLED = re.compile("//+")


def folded(path: str) -> str:
    """`/a//b` as `/a/b`."""
    return _DOUBLED.sub("/", path) if "//" in path else path


class FoldedPaths:
    """The same for a WSGI application."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = folded(environ.get("PATH_INFO", ""))
        return self._application(environ, start_response)
