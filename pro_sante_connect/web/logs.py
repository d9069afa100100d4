"""One JSON line a request: who asked what of which route, how it ended, how long it took. Never a secret.

The route's pattern is logged, not the path; the query and the body never are.
"""

import json
import logging
import time
from typing import Any

from flask import Flask, Response, g, request

from pro_sante_connect.web.context import address, deployment

logger = logging.getLogger("psc.web")


def line(**facts: Any) -> str:
    """A JSON line; control characters are escaped by JSON itself."""
    return json.dumps(facts, ensure_ascii=True, separators=(",", ":"))


def install(app: Flask) -> None:
    """Number every request and log its end."""

    @app.before_request
    def begin() -> None:
        letters = deployment().chance.letters(8)
        g.request_id, g.began = f"{letters[:4]}-{letters[4:]}", time.perf_counter()

    @app.after_request
    def log(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        logger.info(
            line(
                request=g.request_id,
                method=request.method if len(request.method) < 10 else "?",
                route=request.url_rule.rule if request.url_rule else "?",
                status=response.status_code,
                ms=round((time.perf_counter() - g.began) * 1000, 1),
                address=address(),
                **getattr(g, "log", {}),
            )
        )
        return response
