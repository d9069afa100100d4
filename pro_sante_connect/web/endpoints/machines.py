"""Machine endpoints: one table of routes, answered by the thin WSGI layer (`web/front.py`) or by Flask alike."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from flask import Blueprint, Response, current_app, g, request

from pro_sante_connect.oidc.endpoints import discovery
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, json_answer
from pro_sante_connect.oidc.endpoints.introspection import introspect
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.revocation import revoke
from pro_sante_connect.oidc.endpoints.token import token
from pro_sante_connect.oidc.endpoints.userinfo import userinfo
from pro_sante_connect.settings import Issuer
from pro_sante_connect.web.context import address, house

Endpoint = Callable[[Machine, MachineRequest], Answer]

ANYONE = "*"
REGISTERED = "registered"


@dataclass(frozen=True, slots=True)
class Route:
    """One machine address: its endpoint, its methods, and who may read the answer from a browser."""

    endpoint: Endpoint
    methods: tuple[str, ...]
    cors: str = ""


def _discovery(machine: Machine, _: MachineRequest) -> Answer:
    """The issuer's metadata (OIDC Discovery §3), under both names."""
    return _metadata(machine.dep.settings.issuer)


@lru_cache(maxsize=1)
def _metadata(issuer: Issuer) -> Answer:
    """It says the same as long as the settings do."""
    return _public(json_answer(200, discovery.metadata(issuer)), 3600)


def _certs(machine: Machine, _: MachineRequest) -> Answer:
    """Public keys that sign, or soon will (RFC 7517 §5)."""
    # a new key is published `key_notice` before it signs: whoever caches a twelfth of that never misses it
    return _public(
        json_answer(200, {"keys": list(machine.ring.published())}), machine.dep.settings.lifetimes.key_notice // 12
    )


def _public(answer: Answer, seconds: int) -> Answer:
    headers = (("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={seconds}"))
    return Answer(answer.status, headers, answer.body)


def routes(issuer: Issuer) -> dict[str, Route]:
    """Path → route."""
    realm, protocol = f"/auth/realms/{issuer.realm}", issuer.protocol_path
    found = Route(_discovery, ("GET",), ANYONE)
    return {
        f"{realm}/.well-known/openid-configuration": found,
        f"{realm}/.well-known/wallet-openid-configuration": found,
        f"{protocol}/certs": Route(_certs, ("GET",), ANYONE),
        f"{protocol}/token": Route(token, ("POST",), REGISTERED),
        f"{protocol}/token/introspect": Route(introspect, ("POST",)),
        f"{protocol}/revoke": Route(revoke, ("POST",), REGISTERED),
        f"{protocol}/userinfo": Route(userinfo, ("GET", "POST"), REGISTERED),
    }


def answer(machine: Machine, route: Route, asked: MachineRequest) -> Answer:
    """The endpoint's answer with the headers every machine answer has."""
    if asked.method == "OPTIONS" and route.cors and asked.origin:
        found = Answer(204, (("Allow", _allow(route)),), b"")
    elif asked.method == "HEAD" and "GET" in route.methods:
        found = route.endpoint(machine, asked)
        found = Answer(found.status, found.headers, b"", found.log)
    elif asked.method not in route.methods:
        document = {"error": "invalid_request", "error_description": "Method not allowed."}
        found = json_answer(405, document, ("Allow", _allow(route)))
    else:
        found = route.endpoint(machine, asked)
    extra = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), *_cors(machine, route, asked)]
    return Answer(found.status, (*found.headers, *extra), found.body, found.log)


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
    """The Flask door to the same functions; the thin layer normally answers first."""
    asked = MachineRequest(
        method=request.method,
        content_type=request.headers.get("Content-Type", ""),
        query=request.query_string.decode("latin-1"),
        body=request.get_data(cache=False),
        authorization=request.headers.get("Authorization", ""),
        origin=request.headers.get("Origin", ""),
        address=address(),
    )
    machine = house().machine
    found = answer(machine, routes(machine.dep.settings.issuer)[path], asked)
    g.log = found.log
    response = current_app.response_class(found.body, found.status)
    for name, value in found.headers:
        response.headers[name] = value
    return response


def register(issuer: Issuer) -> Blueprint:
    """A blueprint with every machine address."""
    machines = Blueprint("machines", __name__)
    for number, path in enumerate(routes(issuer)):
        machines.add_url_rule(
            path, f"machine{number}", _view, defaults={"path": path}, methods=["GET", "POST", "OPTIONS"],
            provide_automatic_options=False,
        )  # fmt: skip
    return machines
