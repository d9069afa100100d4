"""What is measured of each server: the six requests every provider answers."""

from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks.load import Measured, request, run
from benchmarks.ours import basic, document
from benchmarks.servers import COMMON, Server

WORKS = ("code", "refresh", "userinfo", "introspection", "discovery", "jwks")
CHEAP = 5
"""Cheap answers are asked for this many times as often: the CPU clock ticks in hundredths of a second."""


def redemptions(server: Server, count: int, *, opaque: bool = False) -> list[bytes]:
    """One request per fresh code."""
    codes = server.mint(count, opaque)
    return [_token(server, _redemption(server, code)) for code in codes]


def _redemption(server: Server, code: str) -> dict[str, str]:
    callback = server.notes.get("callback", COMMON["redirect_uri"])
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback}
    return form | {"code_verifier": COMMON["code_verifier"]}


def refreshes(server: Server, tokens: list[str]) -> list[bytes]:
    return [_token(server, {"grant_type": "refresh_token", "refresh_token": value}) for value in tokens]


def _token(server: Server, form: dict[str, str]) -> bytes:
    url = server.endpoints["token_endpoint"]
    return request("POST", url, urlencode(form).encode(), authorization=basic(server.client))


def measure(server: Server, count: int) -> Iterator[tuple[str, Measured]]:
    """All works once, `count` requests each."""
    redeemed = run(server.base, redemptions(server, count), server.processes)
    yield "code", redeemed
    if server.name == "bound":
        return
    held = [document(reply.body) for reply in redeemed.replies if reply.status == 200]
    values = [found["refresh_token"] for found in held]
    yield "refresh", run(server.base, refreshes(server, values), server.processes)
    # node oidc-provider answers userinfo and introspection for opaque access tokens only.
    opaque = run(server.base, redemptions(server, 20, opaque=True), server.processes)
    tokens = [document(reply.body)["access_token"] for reply in opaque.replies if reply.status == 200]
    pages = {"discovery": server.discovery, "jwks": server.endpoints.get("jwks_uri", f"{server.base}/jwks")}
    asked = {name: [request("GET", url)] for name, url in pages.items()}
    asked["userinfo"] = [
        request("GET", server.endpoints["userinfo_endpoint"], authorization=f"Bearer {value}") for value in tokens
    ]
    asked["introspection"] = [introspection(server, value) for value in tokens]
    for name, some in asked.items():
        if some:
            yield name, run(server.base, (some * (count * CHEAP))[: count * CHEAP], server.processes)


def introspection(server: Server, value: str) -> bytes:
    known = server.endpoints.get("introspection_endpoint") or f"{server.base}{server.prefix}/introspect/"
    return request("POST", known, urlencode({"token": value}).encode(), authorization=basic(server.client))
