"""Shared Signals (SSF 1.0): metadata, streams, status, subjects, verification, and polling (RFC 8936).

A service calls in its own name, with a token of the scope `ssf.manage` or `ssf.read`. Pages' threads answer: a poll
may wait for news.
"""

import time
from collections.abc import Callable
from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from pro_sante_connect.core import database as store
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.bearer import calling
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.tokens import jose
from pro_sante_connect.settings import Issuer
from pro_sante_connect.signals import security_events, stream_news, streams
from pro_sante_connect.signals.stream_models import ENABLED, Stream, StreamEvent
from pro_sante_connect.signals.streams import House
from pro_sante_connect.web.context import deployment, house, now, settings, writing

MANAGE, READ = "ssf.manage", "ssf.read"
LOOKS, PAUSE = 40, 0.25  # a poll waits ten seconds
MOST = 100

Json = dict[str, Any]


def _base() -> str:
    return f"{settings().issuer.auth_base}/ssf"


def _house() -> House:
    dep = deployment()
    return House(
        issuer=dep.settings.issuer.issuer, poll_url=f"{_base()}/poll", exempt=dep.settings.outbound.exempt,
        vault=dep.vault,
    )  # fmt: skip


def _json(status: int, document: Any = None) -> Response:
    body = b"" if document is None else orjson.dumps(document)
    response = Response(body, status, content_type="application/json" if body else None)
    response.headers["Cache-Control"] = "no-store"
    return response


def _caller(scope: str) -> RelyingParty:
    found = calling(house().machine, request.headers.get("Authorization", ""), scope, now())
    g.client_id = found.id
    g.log = {"client": found.id}
    return found


def _body() -> Json:
    try:
        sent = orjson.loads(request.get_data())
    except ValueError:
        raise streams.bad("The body must be JSON.", "body-malformed") from None
    # PostgreSQL keeps no NUL in a text.
    if not isinstance(sent, dict) or b"\\u0000" in orjson.dumps(sent):
        raise streams.bad("The body must be an object of plain text.", "body-malformed")
    return sent


def _refused(refusal: TokenRefusal) -> Response:
    g.log = {**getattr(g, "log", {}), "error": refusal.code, "reason": refusal.reason}
    response = _json(refusal.status, {"err": refusal.code, "error": refusal.code, "description": refusal.description})
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = f'Bearer error="{refusal.code}"'
    return response


def metadata() -> Response:
    """SSF 1.0 §6.1."""
    issuer, base = settings().issuer, _base()
    response = _json(
        200,
        {
            "spec_version": "1_0", "issuer": issuer.issuer,
            "jwks_uri": f"{issuer.auth_base}{issuer.protocol_path}/certs",
            "delivery_methods_supported": list(streams.METHODS), "configuration_endpoint": f"{base}/streams",
            "status_endpoint": f"{base}/status", "add_subject_endpoint": f"{base}/subjects/add",
            "remove_subject_endpoint": f"{base}/subjects/remove", "verification_endpoint": f"{base}/verification",
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}], "default_subjects": "ALL",
        },
    )  # fmt: skip
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def configure() -> Response:
    """§7.1.1: create, read, update, replace, delete."""
    verbs: dict[str, Callable[[], Response]] = {
        "GET": _read, "POST": _create, "PATCH": _update, "PUT": _update, "DELETE": _delete,
    }  # fmt: skip
    return verbs[request.method]()


def _create() -> Response:
    caller, wish = _caller(MANAGE), _body()
    with writing() as db:
        made = streams.create(db, caller.id, wish, house=_house(), chance=deployment().chance, now=now())
    return _json(201, streams.configuration(made, _house()))


def _read() -> Response:
    caller, asked = _caller(READ), request.args.get("stream_id")
    with store.reading(deployment().engine) as db:
        if asked is None:
            return _json(200, [streams.configuration(one, _house()) for one in streams.of_client(db, caller.id)])
        return _json(200, streams.configuration(streams.find(db, caller.id, asked), _house()))


def _update() -> Response:
    caller, wish = _caller(MANAGE), _body()
    with writing() as db:
        found = streams.find(db, caller.id, _named(wish))
        streams.change(found, wish, house=_house(), whole=request.method == "PUT")
    return _json(200, streams.configuration(found, _house()))


def _named(wish: Json) -> str:
    if not isinstance(wish.get("stream_id"), str):
        raise streams.bad("stream_id is needed.", "stream-missing")
    return str(wish["stream_id"])


def _delete() -> Response:
    caller = _caller(MANAGE)
    with writing() as db:
        streams.end(db, streams.find(db, caller.id, request.args.get("stream_id", "")))
    return _json(204)


def status() -> Response:
    """§7.1.2."""
    if request.method == "GET":
        caller = _caller(READ)
        with store.reading(deployment().engine) as db:
            return _json(200, streams.status_of(streams.find(db, caller.id, request.args.get("stream_id", ""))))
    caller, wish = _caller(MANAGE), _body()
    with writing() as db:
        found = streams.find(db, caller.id, _named(wish))
        streams.set_status(db, found, wish)
    return _json(200, streams.status_of(found))


def subjects(verb: str) -> Response:
    """§7.1.3: 200 for whom we add, 204 for whom we remove, also when we do not know her."""
    caller, wish = _caller(MANAGE), _body()
    with writing() as db:
        found = streams.find(db, caller.id, _named(wish))
        subject = streams.subject_in(wish, settings().issuer.issuer)
        if subject:
            streams.hear_of(db, found, subject, heard=verb == "add")
    return _json(200, {}) if verb == "add" else _json(204)


def verification() -> Response:
    """§7.1.4."""
    caller, wish = _caller(MANAGE), _body()
    with writing() as db:
        found = streams.find(db, caller.id, _named(wish))
        streams.verify(db, found, wish, chance=deployment().chance, now=now())
    return _json(204)


def poll(stream_id: str) -> Response:
    """RFC 8936 §2."""
    caller, wish = _caller(READ), _body()
    most, at_once = _most(wish), wish.get("returnImmediately", False) is True
    acknowledged, refused = _heard(wish)
    found, more = _poll(caller, stream_id, acknowledged, refused, most)
    seats = house().seats
    if not found and most and not at_once and not (acknowledged or refused) and seats.acquire(blocking=False):
        try:
            for _ in range(LOOKS):
                time.sleep(PAUSE)
                found, more = _poll(caller, stream_id, [], {}, most)
                if found:
                    break
        finally:
            seats.release()
    return _json(200, {"sets": {one.jti: _token(one, caller) for one in found}, "moreAvailable": more})


def _poll(
    caller: RelyingParty, stream_id: str, acknowledged: list[str], refused: dict[str, str], most: int
) -> tuple[list[StreamEvent], bool]:
    touched = acknowledged or refused
    with writing() if touched else store.reading(deployment().engine) as db:
        stream: Stream = streams.find(db, caller.id, stream_id)
        if stream.method != streams.POLL:
            raise streams.bad("This stream is pushed.", "stream-pushed")
        if stream.status != ENABLED and not touched:
            return [], False
        return stream_news.polled(
            db, stream, acknowledged=acknowledged, refused=refused, most=most, now=deployment().clock.now()
        )


def _most(wish: Json) -> int:
    most = wish.get("maxEvents", MOST)
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise streams.bad("maxEvents must be a number.", "max-events")
    return min(most, MOST)


def _heard(wish: Json) -> tuple[list[str], dict[str, str]]:
    acknowledged, errors = wish.get("ack", []), wish.get("setErrs", {})
    if not isinstance(acknowledged, list) or not isinstance(errors, dict) or len(acknowledged) + len(errors) > 1000:
        raise streams.bad("ack must be a list and setErrs an object.", "ack-malformed")
    causes = {
        str(jti): str(error.get("err", "refused"))[:80] if isinstance(error, dict) else "refused"
        for jti, error in errors.items()
    }
    return [str(jti) for jti in acknowledged], causes


def _token(event: StreamEvent, caller: RelyingParty) -> str:
    said = stream_news.claims(event, issuer=settings().issuer.issuer, audience=caller.id)
    return jose.sign(said, house().machine.ring.signer(caller.algorithm), token_type=security_events.TYPE)


def register(issuer: Issuer) -> Blueprint:
    """The addresses of shared signals; the metadata stand under the issuer's path (RFC 8615, SSF 1.0 §6.2)."""
    ssf = Blueprint("ssf", __name__)
    ssf.register_error_handler(TokenRefusal, _refused)
    well_known = f"/.well-known/ssf-configuration/auth/realms/{issuer.realm}"
    ssf.add_url_rule(well_known, "metadata", metadata, methods=["GET"])
    ssf.add_url_rule("/ssf/streams", "configure", configure, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
    ssf.add_url_rule("/ssf/status", "status", status, methods=["GET", "POST"])
    for verb in ("add", "remove"):
        ssf.add_url_rule(
            f"/ssf/subjects/{verb}", f"{verb}_subject", subjects, methods=["POST"], defaults={"verb": verb}
        )
    ssf.add_url_rule("/ssf/verification", "verification", verification, methods=["POST"])
    ssf.add_url_rule("/ssf/poll/<stream_id>", "poll", poll, methods=["POST"])
    return ssf
