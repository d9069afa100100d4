"""Machine endpoints: one table of routes, answered before Flask (`web/front.py`) or by Flask alike."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import orjson
from flask import Blueprint, Response, current_app, g, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from pro_sante_connect.core.database import Contended, is_storage_failure
from pro_sante_connect.core.logs import facts
from pro_sante_connect.oidc.endpoints import discovery
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, json_answer
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from pro_sante_connect.settings import Issuer, Policy
from pro_sante_connect.web.context import address, house
from pro_sante_connect.web.headers import fixed_headers

logger = logging.getLogger("psc.web")

Endpoint = Callable[[Machine, MachineRequest], Answer]

ANYONE = "*"
REGISTERED = "registered"
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")  # refused alike by both doors


@dataclass(frozen=True, slots=True)
class Route:
    """One machine address: its endpoint, its methods, and who may read the answer from a browser."""

    endpoint: Endpoint
    methods: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    cors: str = ""


def _discovery(machine: Machine, _: MachineRequest) -> Answer:
    """The issuer's metadata (OIDC Discovery §3), under both names."""
    return _metadata(machine.dep.settings.issuer, machine.dep.settings.policy)


@lru_cache(maxsize=1)
def _metadata(issuer: Issuer, policy: Policy) -> Answer:
    """It says the same as long as the settings do."""
    return _public(orjson.dumps(discovery.metadata(issuer, policy)), 3600)


def _certs(machine: Machine, _: MachineRequest) -> Answer:
    """Public keys that sign, or soon will (RFC 7517 §5)."""
    # a new key is published `key_notice` before it signs: whoever caches a twelfth of that never misses it
    return _public(machine.ring.jwks(), machine.dep.settings.lifetimes.key_notice // 12)


def _public(body: bytes, seconds: int) -> Answer:
    return Answer(200, (("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={seconds}")), body)


def routes(issuer: Issuer) -> dict[str, Route]:
    """Path → route."""
    realm, protocol = f"/auth/realms/{issuer.realm}", issuer.protocol_path
    always = (
        *fixed_headers(secure=issuer.auth_base.startswith("https://")),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    )
    found = Route(_discovery, ("GET",), always, ANYONE)
    return {
        f"{realm}/.well-known/openid-configuration": found,
        f"{realm}/.well-known/wallet-openid-configuration": found,
        f"{protocol}/certs": Route(_certs, ("GET",), always, ANYONE),
        f"{protocol}/token": Route(token, ("POST",), always, REGISTERED),
        f"{protocol}/token/introspect": Route(introspect, ("POST",), always),
        f"{protocol}/revoke": Route(revoke, ("POST",), always, REGISTERED),
        f"{protocol}/userinfo": Route(userinfo, ("GET", "POST"), always, REGISTERED),
    }


def answer(machine: Machine, route: Route, asked: MachineRequest, *, number: str) -> Answer:
    """The endpoint's answer with the headers every machine answer has; `number` is the request's, for the log."""
    try:
        found = _answer(machine, route, asked)
    except Contended:
        raise
    except Exception as problem:
        found = _failed(problem, asked, number)
    headers = (*found.headers, *route.headers, *_cors(machine, route, asked), ("X-Request-Id", number))
    return Answer(found.status, headers, found.body, found.log)


def _answer(machine: Machine, route: Route, asked: MachineRequest) -> Answer:
    if asked.method in route.methods:
        return route.endpoint(machine, asked)
    if asked.method == "OPTIONS" and route.cors and asked.origin:
        return Answer(204, (("Allow", _allow(route)),), b"")
    if asked.method == "HEAD" and "GET" in route.methods:
        found = route.endpoint(machine, asked)
        return Answer(found.status, found.headers, b"", found.log)
    document = {"error": "invalid_request", "error_description": "Method not allowed."}
    return json_answer(405, document, ("Allow", _allow(route)))


def _failed(problem: Exception, asked: MachineRequest, number: str) -> Answer:
    """A store that does not answer is "come back later"; anything else unexpected is a 500 that says nothing."""
    if is_storage_failure(problem):
        logger.error("storage", extra=facts(request=number, problem=type(problem).__name__))
        document = {"error": "temporarily_unavailable", "error_description": "Try again later."}
        return json_answer(503, document, ("Retry-After", "5"))
    logger.exception("defect", exc_info=problem, extra=facts(request=number, method=asked.method[:10]))
    return json_answer(500, {"error": "server_error", "error_description": "Unexpected error."})


def too_large(route: Route) -> Answer:
    """For a body that was not read."""
    document = {"error": "invalid_request", "error_description": "The body is too large."}
    return json_answer(413, document, *route.headers)


def _allow(route: Route) -> str:
    return ", ".join(dict.fromkeys([*route.methods, *(("HEAD",) if "GET" in route.methods else ()), "OPTIONS"]))


def _cors(machine: Machine, route: Route, asked: MachineRequest) -> list[tuple[str, str]]:
    """Any origin at discovery and JWKS; elsewhere the origins some client registered; never with credentials."""
    if not route.cors or not asked.origin:
        return []
    if route.cors == REGISTERED and not machine.allows_origin(asked.origin):
        return [("Vary", "Origin")]
    allowed = ANYONE if route.cors == ANYONE else asked.origin
    headers = [("Access-Control-Allow-Origin", allowed), ("Vary", "Origin")]
    if asked.method == "OPTIONS":
        headers += [
            ("Access-Control-Allow-Methods", ", ".join(route.methods)),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
            ("Access-Control-Max-Age", "600"),
        ]
    return headers


def _view(path: str) -> Response:
    """The Flask door to the same functions; `web/front.py` normally answers first."""
    machine = house().machine
    route = routes(machine.dep.settings.issuer)[path]
    try:
        found = answer(machine, route, _asked(), number=g.request_id)
    except RequestEntityTooLarge:
        found = too_large(route)
    g.log = found.log
    response = current_app.response_class(found.body, found.status)
    response.headers = Headers(found.headers)
    return response


def _asked() -> MachineRequest:
    return MachineRequest(
        method=request.method,
        content_type=request.headers.get("Content-Type", ""),
        query=request.query_string.decode("latin-1"),
        body=request.get_data(cache=False),
        authorization=request.headers.get("Authorization", ""),
        origin=request.headers.get("Origin", ""),
        address=address(),
    )


def register(issuer: Issuer) -> Blueprint:
    """A blueprint with every machine address."""
    machines = Blueprint("machines", __name__)
    for number, path in enumerate(routes(issuer)):
        machines.add_url_rule(
            path, f"machine{number}", _view, defaults={"path": path}, methods=EVERY_METHOD,
            provide_automatic_options=False,
        )  # fmt: skip
    return machines
