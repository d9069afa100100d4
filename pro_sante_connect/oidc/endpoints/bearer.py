"""An access token presented as Bearer (RFC 6750): header only, ours, unexpired, alive."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.models import RevokedToken
from pro_sante_connect.oidc.tokens import liveness
from pro_sante_connect.oidc.tokens.jose import Claims
from pro_sante_connect.oidc.tokens.liveness import Living


def bearer_of(authorization: str) -> str | None:
    """The token of a Bearer header, scheme in any case; None when there is none."""
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value or " " in value or "," in value:
        return None
    return value


def living_access(
    machine: Machine, db: Connection, token: str, now: datetime
) -> tuple[Living | None, Claims | None, str]:
    """The living authorization of an access token and its claims, or the reason why not."""
    claims = machine.verifier.read(token, kind="access", now=now)
    if claims is None:
        return None, None, "token-unreadable"
    if claims.get("aud", machine.dep.settings.issuer.issuer) != machine.dep.settings.issuer.issuer:
        return None, claims, "token-for-another-api"
    if "grant_id" not in claims:
        return None, claims, "token-of-a-client"
    living, reason = liveness.read(db, int(claims["grant_id"]), jti=str(claims["jti"]), idle=machine.idle, now=now)
    return living, claims, reason


_revoked = Statement(select(RevokedToken.jti).where(RevokedToken.jti == bindparam("jti")))


def client_of(machine: Machine, db: Connection, claims: Claims) -> RelyingParty | None:
    """Whose own token that is, while the client is enabled, still uses the grant and the token is not revoked."""
    if "grant_id" in claims or _revoked.one(db, jti=str(claims["jti"])) is not None:
        return None
    client = machine.clients.current(db, str(claims.get("client_id", "")))
    granted = client is not None and set(str(claims["scope"]).split()) <= set(client.scopes)
    return client if granted else None


def calling(machine: Machine, authorization: str, scope: str, now: datetime) -> RelyingParty:
    """The client that calls an API of ours with a token of that scope (RFC 6750 §3.1).

    Refuses `invalid_token` with 401, `insufficient_scope` with 403.
    """
    token = bearer_of(authorization)
    claims = machine.verifier.read(token, kind="access", now=now) if token else None
    client = None
    if claims is not None:
        with machine.reading() as db:
            client = client_of(machine, db, claims)
    if claims is None or client is None:
        raise TokenRefusal("invalid_token", "The access token is not active.", status=401, reason="token-unreadable")
    if scope not in str(claims["scope"]).split():
        raise TokenRefusal("insufficient_scope", f"The scope {scope} is needed.", status=403, reason="scope-missing")
    return client
