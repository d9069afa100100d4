"""WSGI: fold doubled slashes before routing. A redirect would lose a POST; some clients write `//userinfo`."""

import re
from typing import Any

_DOUBLED = re.compile("//+")


class FoldedPaths:
    """Answers `/a//b` as `/a/b`."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if "//" in path:
            environ["PATH_INFO"] = _DOUBLED.sub("/", path)
        return self._application(environ, start_response)
