"""A machine request and its answer, without a framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from pro_sante_connect.oidc.errors import TokenRefusal, invalid_request
from pro_sante_connect.oidc.requests.request import Parameters, single

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 40
MAX_FIELD = 16_384

JSON_HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRequest:
    """`authorization` is the header, `origin` the browser's, `address` the caller's."""

    method: str
    content_type: str = ""
    query: str = ""
    body: bytes = b""
    authorization: str = ""
    origin: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    log: dict[str, Any] = field(default_factory=dict)


def json_answer(status: int, document: Mapping[str, Any], *headers: tuple[str, str], **log: Any) -> Answer:
    """A JSON document that nobody may cache."""
    return Answer(status, (*JSON_HEADERS, *headers), orjson.dumps(document), log)


def refused(refusal: TokenRefusal, *headers: tuple[str, str], **log: Any) -> Answer:
    """An error document: always `error` and `error_description`."""
    document = {"error": refusal.code, "error_description": refusal.description}
    return json_answer(refusal.status, document, *headers, error=refusal.code, reason=refusal.reason, **log)


def form_of(request: MachineRequest) -> Parameters:
    """The body's fields; a query, another content type or broken text is refused."""
    if request.query:
        raise invalid_request("Parameters belong in the body.", reason="query-parameters")
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        raise invalid_request(f"The body must be {FORM}.", reason="content-type")
    try:
        fields = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise invalid_request("The body is malformed.", reason="body-malformed") from None
    for name, value in fields:
        if len(value) > MAX_FIELD or "\0" in value or len(name) > 100:
            raise invalid_request("A parameter is malformed.", reason="parameter-malformed")
    return fields


def once(fields: Parameters, *, identical_repeats: bool) -> dict[str, str]:
    """Each field once."""
    try:
        return single(fields, identical_repeats=identical_repeats)
    except KeyError:
        raise invalid_request("A parameter is repeated.", reason="parameter-repeated") from None
