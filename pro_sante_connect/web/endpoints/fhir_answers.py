"""FHIR documents around resources: bundles, outcomes, the capability statement, and the sealed place of a page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
from flask import Response, request

from pro_sante_connect import __version__
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import microseconds, moment
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.rpps.fhir import Resource, instant
from pro_sante_connect.rpps.fhir_query import INCLUDES, PARAMETERS, Query, Unfit, reduced
from pro_sante_connect.rpps.fhir_search import Found, Place

TYPE = "application/fhir+json"
LIFE = timedelta(minutes=30)
_KINDS = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 406: "not-supported", 405: "not-supported"}
Pairs = list[tuple[str, str]]


def answer(document: Resource, status: int = 200, *, version: str = "") -> Response:
    """A document; with its ETag, and 304 when the client has it already. Clients may keep it, and ask whether it
    still stands."""
    body = orjson.dumps(document)
    response = Response(body, status, content_type=TYPE)
    if status == 200:
        response.set_etag(version or blake2b(body, digest_size=12).hexdigest(), weak=True)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization, ESANTE-API-KEY"
        response.make_conditional(request)
        return response
    response.headers["Cache-Control"] = "no-store"
    return response


def outcome(status: int, code: str, words: str) -> Response:
    """What went wrong: `code` is stable and ours."""
    kind = {410: "expired", 429: "throttled"}.get(status, _KINDS.get(status, "exception"))
    issue = {"severity": "error", "code": kind, "details": {"coding": [{"code": code}], "text": words}}
    return answer({"resourceType": "OperationOutcome", "issue": [issue | {"diagnostics": words}]}, status)


def bundle(query: Query, found: Found, *, base: str, own: str, following: str, total: int | None) -> Resource:
    """A page of a search."""
    links = [{"relation": "self", "url": own}]
    if following:
        links.append({"relation": "next", "url": f"{base}/_page?id={following}"})
    entries = [
        {
            "fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": reduced(one, query.elements),
            "search": {"mode": mode},
        }
        for mode, some in (("match", found.resources), ("include", found.included))
        for one in some
    ]  # fmt: skip
    told: Resource = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return told | ({} if total is None else {"total": total}) | ({"entry": entries} if entries else {})


def seal(vault: Vault, kind: str, pairs: Pairs, place: Place, *, client: str, until: datetime) -> str:
    """A page to come: opaque, ours, of that client, until then."""
    told = [kind, pairs, place._asdict() | {"began": microseconds(place.began)}, client, microseconds(until)]
    return vault.seal(orjson.dumps(told), purpose=Purpose.FHIR_PAGE).decode()


def unseal(vault: Vault, sealed: str, *, client: str, now: datetime) -> tuple[str, Pairs, Place, datetime]:
    """The inverse; 400 when it is not ours or another client's, 410 when its time is over."""
    try:
        told = orjson.loads(vault.open(sealed.encode("utf-8", "surrogatepass"), purpose=Purpose.FHIR_PAGE))
    except Refusal:
        told = None
    if told is None or told[3] != client:
        raise Unfit("page-unknown", "The parameter id is no page of ours: begin again.")
    kind, pairs, held, _, until = told
    place = Place(**held | {"began": moment(held["began"])})
    if moment(until) <= now:
        raise Unfit("page-expired", "This page has expired: begin again.", status=410)
    return kind, [(name, value) for name, value in pairs], place, moment(until)


def capabilities(base: str, kinds: Sequence[str], now: datetime) -> Resource:
    """What this server can do (FHIR R4 CapabilityStatement)."""
    return {
        "resourceType": "CapabilityStatement", "status": "active", "date": instant(now), "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["application/fhir+json", "json"],
        "software": {"name": "Pro Sante Connect, in the open", "version": __version__},
        "implementation": {"description": "Directory of health professionals, read only.", "url": base},
        "rest": [{
            "mode": "server",
            "security": {"description": "Bearer token of the scope fhir.read, or the same in ESANTE-API-KEY."},
            "resource": [_served(kind) for kind in kinds],
        }],
    }  # fmt: skip


def _served(kind: str) -> Resource:
    parameters: list[dict[str, Any]] = [{"name": name, "type": held} for name, held in PARAMETERS[kind].items()]
    told: Resource = {
        "type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}], "searchParam": parameters,
    }  # fmt: skip
    names = {"_include": "searchInclude", "_revinclude": "searchRevInclude"}
    return told | {names[name]: list(values) for name, values in INCLUDES[kind].items()}
