"""An access token presented as Bearer (RFC 6750): header only, ours, unexpired, alive."""

from datetime import datetime

from sqlalchemy import Connection

from pro_sante_connect.oidc.endpoints.machine import Machine
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
    living, reason = liveness.read(db, int(claims["grant_id"]), jti=str(claims["jti"]), idle=machine.idle, now=now)
    return living, claims, reason
