"""A thin WSGI layer before Flask for the hot machine addresses: same functions, limits and headers, less work.

Deleting it changes nothing but speed: `web/endpoints/machines.py` answers the same routes.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from pro_sante_connect.core.logs import facts
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, json_answer
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.web.endpoints.machines import Route, answer, routes
from pro_sante_connect.web.logs import reference

logger = logging.getLogger("psc.web")

REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 405: "Method Not Allowed",
           413: "Content Too Large", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip


class Front:
    """Answers the machine routes; everything else falls through to the application."""

    def __init__(self, application: Any, machine: Machine) -> None:
        self._application, self._machine = application, machine
        self._routes = routes(machine.dep.settings.issuer)
        self._max_body = machine.dep.settings.server.max_body
        self._proxies = machine.dep.settings.server.trusted_proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        route = self._routes.get(path)
        if route is None:
            answered: Iterable[bytes] = self._application(environ, start_response)
            return answered
        began, number = time.perf_counter(), reference(self._machine.dep.chance)
        found = self._answer(environ, route, number)
        headers = [*found.headers, ("X-Request-Id", number), ("Content-Length", str(len(found.body)))]
        start_response(f"{found.status} {REASONS.get(found.status, 'Error')}", headers)
        if logger.isEnabledFor(logging.INFO):
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            method = str(environ.get("REQUEST_METHOD"))[:10]
            told = facts(
                request=number, method=method, route=path, status=found.status, ms=milliseconds,
                address=self._address(environ), **found.log,
            )  # fmt: skip
            logger.info("request", extra=told)
        return [found.body]

    def _answer(self, environ: dict[str, Any], route: Route, number: str) -> Answer:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = self._max_body + 1
        if length > self._max_body:
            return json_answer(413, {"error": "invalid_request", "error_description": "The body is too large."})
        try:
            return answer(self._machine, route, self._request(environ, length))
        except SQLAlchemyError as problem:
            return _unavailable(problem, number)
        except Exception as problem:
            if _is_storage(problem):
                return _unavailable(problem, number)
            logger.exception("defect", extra=facts(request=number, route=environ.get("PATH_INFO")))
            return json_answer(500, {"error": "server_error", "error_description": "Unexpected error."})

    def _request(self, environ: dict[str, Any], length: int) -> MachineRequest:
        return MachineRequest(
            method=environ["REQUEST_METHOD"],
            content_type=environ.get("CONTENT_TYPE", ""),
            query=environ.get("QUERY_STRING", ""),
            body=environ["wsgi.input"].read(length) if length > 0 else b"",
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
            origin=environ.get("HTTP_ORIGIN", ""),
            address=self._address(environ),
        )

    def _address(self, environ: dict[str, Any]) -> str:
        peer = str(environ.get("REMOTE_ADDR", ""))
        if peer in self._proxies:
            return str(environ.get("HTTP_X_FORWARDED_FOR", peer)).rpartition(",")[2].strip()[:45]
        return peer


def _unavailable(problem: Exception, number: str) -> Answer:
    logger.error("storage", extra=facts(request=number, problem=type(problem).__name__))
    document = {"error": "temporarily_unavailable", "error_description": "Try again later."}
    return json_answer(503, document, ("Retry-After", "5"))


def _is_storage(problem: Exception) -> bool:
    """Driver errors of statements that run below SQLAlchemy (`core/statement.py`)."""
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    return bool(kinds & {"OperationalError", "InterfaceError", "InternalError"})
