"""Introspection (RFC 7662): a live token's claims, or exactly `{"active": false}`."""

from datetime import datetime
from typing import Any

from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.bearer import client_of, living_access
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, form_of, json_answer, once, refused
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.token import BASIC_CHALLENGE
from pro_sante_connect.oidc.errors import TokenRefusal, invalid_client, invalid_request
from pro_sante_connect.oidc.grants import refresh
from pro_sante_connect.oidc.tokens import jose, liveness
from pro_sante_connect.oidc.tokens.jose import Claims
from pro_sante_connect.oidc.tokens.liveness import Living

INACTIVE: dict[str, Any] = {"active": False}
INTERNAL = ("grant_id",)


def introspect(machine: Machine, request: MachineRequest) -> Answer:
    """Whether a token is live now, for an authenticated client."""
    now = machine.dep.clock.now()
    try:
        fields = form_of(request)
        client = machine.authenticate(request, fields, now)
        if client.public:
            raise invalid_client("public-client")
        values = once(fields, identical_repeats=client.profile.identical_repeats)
        if "token" not in values:
            raise invalid_request("Missing parameter: token.", reason="token-missing")
        found, version = _found(machine, values["token"], client, now)
        if not machine.current(client, version):
            raise invalid_client("client-changed")
    except TokenRefusal as refusal:
        challenge = (BASIC_CHALLENGE,) if refusal.status == 401 else ()
        return refused(refusal, *challenge)
    return json_answer(200, found or INACTIVE, client=client.id)


def _found(
    machine: Machine, token: str, client: RelyingParty, now: datetime
) -> tuple[dict[str, Any] | None, int | None]:
    """What may be shown; and the client's version, where the same look at the store told it."""
    with machine.reading() as db:
        living, claims, _ = living_access(machine, db, token, now)
        own = client_of(machine, db, claims) if claims is not None and "grant_id" not in claims else None
    if own is not None and claims is not None:
        seen = own.id == client.id or client.introspects_any
        return (claims | {"username": own.id, "token_type": "Bearer", "active": True} if seen else None), None
    version = living.client_version if living is not None and living.client_id == client.id else None
    if living is None or claims is None:
        return _refresh(machine, token, client, now), version
    return _access(living, claims, client), version


def _access(living: Living, claims: Claims, client: RelyingParty) -> dict[str, Any] | None:
    if living.client_id != client.id and not client.introspects_any:
        return None
    visible = {name: value for name, value in claims.items() if name not in INTERNAL}
    return visible | {
        "client_id": living.client_id,
        "username": living.national_id,
        "token_type": "Bearer",
        "active": True,
        "SubjectNameID": living.national_id,
    }


def _refresh(machine: Machine, token: str, client: RelyingParty, now: datetime) -> dict[str, Any] | None:
    """Refresh tokens are shown to their owner only."""
    claims = jose.read_own(token, machine.issuer.refresh_key)
    if claims is None or claims.get("typ") != "Refresh" or claims.get("azp") != client.id:
        return None
    if claims["exp"] <= now.timestamp():
        return None
    with machine.reading() as db:
        living, _ = liveness.read(db, int(claims["grant_id"]), idle=machine.idle, now=now)
        current = refresh.is_current(db, int(claims["grant_id"]), jti=str(claims["jti"]), now=now)
    if living is None or not current:
        return None
    visible = {name: value for name, value in claims.items() if name not in INTERNAL}
    return visible | {"client_id": client.id, "username": living.national_id, "active": True}
