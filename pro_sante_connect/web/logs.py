"""One line a request: who asked what of which route, how it ended, how long it took. Never a secret.

The route's pattern is logged, not the path; the query and the body never are.
"""

import logging
import time

from flask import Flask, Response, g, request

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.logs import facts
from pro_sante_connect.web.context import address, deployment

logger = logging.getLogger("psc.web")


def reference(chance: Chance) -> str:
    """What a person reads to the help desk, and the log knows a request by."""
    letters = chance.letters(8)
    return f"{letters[:4]}-{letters[4:]}"


def install(app: Flask) -> None:
    """Number every request and log its end."""

    @app.before_request
    def begin() -> None:
        g.request_id, g.began = reference(deployment().chance), time.perf_counter()

    @app.after_request
    def log(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        logger.info(
            "request",
            extra=facts(
                request=g.request_id,
                method=request.method if len(request.method) < 10 else "?",
                route=request.url_rule.rule if request.url_rule else "?",
                status=response.status_code,
                ms=round((time.perf_counter() - g.began) * 1000, 1),
                address=address(),
                **getattr(g, "log", {}),
            ),
        )
        return response
