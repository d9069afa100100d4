"""The one table from refusal to page: status, and which words. Everything unexpected is a 500 that says nothing."""

import logging

from flask import Flask, Response, g, jsonify, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError
from werkzeug.exceptions import HTTPException

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.logs import facts
from pro_sante_connect.core.words import catalogue
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page

logger = logging.getLogger("psc.web")

# Refusals that are not "400, this cannot go on like that".
STATUS = {
    "interaction-unknown": 404,
    "page-unknown": 404,
    "approval-unknown": 404,
    "means-unknown": 404,
    "session-unknown": 404,
    "phone-unknown": 403,
    "sign-in-stopped": 403,
    "not-permitted": 403,
    "out-of-scope": 403,
    "own-person": 403,
    "own-account": 403,
    "own-proposal": 403,
    "invitation-unknown": 404,
    "account-unknown": 404,
    "proposal-unknown": 404,
    "anomaly-unknown": 404,
    "practitioner-unknown": 404,
    "grant-unknown": 404,
    "method-refused": 405,
    "body-too-large": 413,
    "codes-paused": 429,
    "approvals-paused": 429,
    "activation-throttled": 429,
    "unavailable": 503,
    "defect": 500,
}
HTTP = {400: "request-malformed", 404: "page-unknown", 405: "method-refused", 413: "body-too-large"}


def refusal_page(refusal: Refusal) -> Response:
    """The page of a refusal, or JSON for a script that asked for JSON."""
    g.log = {**getattr(g, "log", {}), "refusal": refusal.code}
    code = refusal.code if f"refusal.{refusal.code}" in catalogue(language()) else "request-malformed"
    status = STATUS.get(code, 400)
    if request.accept_mimetypes.best == "application/json" or request.is_json:
        response = jsonify(error=refusal.code, reference=g.get("request_id", ""))
        response.status_code = status
    else:
        response = page("refusal.html", status=status, code=code, facts=refusal.facts)
    if status in (429, 503):
        response.headers["Retry-After"] = "30"
    return response


def _http(problem: HTTPException) -> Response:
    response = refusal_page(Refusal(HTTP.get(problem.code or 500, "request-malformed")))
    response.status_code = problem.code or 400
    if response.status_code == 405:
        response.headers["Allow"] = dict(problem.get_headers()).get("Allow", "GET, HEAD, OPTIONS, POST")
    return response


def _storage(problem: SQLAlchemyError) -> Response:
    """A store that does not answer is "come back later", never a success and never a riddle."""
    cause = type(problem.orig).__name__ if isinstance(problem, DBAPIError) else "pool exhausted"
    logger.error("storage", extra=facts(request=g.get("request_id", ""), problem=cause))
    return refusal_page(Refusal("unavailable"))


def _defect(problem: Exception) -> Response:
    told = facts(request=g.get("request_id", ""), route=request.endpoint)
    logger.exception("defect", exc_info=problem, extra=told)
    return refusal_page(Refusal("defect"))


def install(app: Flask) -> None:
    """Register the table."""
    app.register_error_handler(Refusal, refusal_page)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _storage)
    app.register_error_handler(TimeoutError, _storage)
    app.register_error_handler(Exception, _defect)
