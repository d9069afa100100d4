"""Revocation (RFC 7009): 200 also for unknown tokens; a refresh token takes its whole grant with it."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.database import insert
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, form_of, json_answer, once, refused
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.token import BASIC_CHALLENGE
from pro_sante_connect.oidc.errors import TokenRefusal, invalid_client, invalid_request
from pro_sante_connect.oidc.grants import refresh
from pro_sante_connect.oidc.models import RevokedToken
from pro_sante_connect.oidc.tokens import jose


def revoke(machine: Machine, request: MachineRequest) -> Answer:
    """A service gives a token back."""
    now = machine.dep.clock.now()
    try:
        fields = form_of(request)
        client = machine.authenticate(request, fields, now)
        if not machine.current(client):
            raise invalid_client("client-changed")
        values = once(fields, identical_repeats=client.profile.identical_repeats)
        if "token" not in values:
            raise invalid_request("Missing parameter: token.", reason="token-missing")
    except TokenRefusal as refusal:
        challenge = (BASIC_CHALLENGE,) if refusal.status == 401 else ()
        return refused(refusal, *challenge)
    own = jose.read_own(values["token"], machine.issuer.refresh_key)
    access = machine.verifier.read(values["token"], kind="access", now=now)
    with machine.writing() as db:
        if own is not None and own.get("typ") == "Refresh" and own.get("azp") == client.id:
            refresh.revoke(db, int(own["grant_id"]), now=now)
            _tell(machine, db, client, int(own["grant_id"]), (now, request.address))
        elif access is not None and access.get("azp", access.get("client_id")) == client.id:
            _forget_access(db, access)
            _tell(machine, db, client, int(access.get("grant_id", 0)), (now, request.address))
    return json_answer(200, {}, client=client.id)


def _forget_access(db: Connection, claims: jose.Claims) -> None:
    until = datetime.fromtimestamp(claims["exp"], UTC)
    db.execute(insert(db, RevokedToken).values(jti=claims["jti"], expires_at=until).on_conflict_do_nothing())


def _tell(machine: Machine, db: Connection, client: RelyingParty, grant: int, at: tuple[datetime, str]) -> None:
    machine.audit(db, Event.TOKEN_REVOKED, client, at=at, grant=grant)
