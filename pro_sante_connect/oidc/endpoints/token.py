"""The token endpoint: authenticate, claim and commit, alive?, sign, answer (RFC 6749 §3.2)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, form_of, json_answer, once, refused
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.errors import TokenRefusal, invalid_client, invalid_grant, invalid_request
from pro_sante_connect.oidc.grants import client_credentials, code, refresh
from pro_sante_connect.oidc.tokens import jose
from pro_sante_connect.oidc.tokens.issue import NOTHING_HIDDEN, Hidden, facts_of
from pro_sante_connect.oidc.tokens.jose import sign
from pro_sante_connect.oidc.tokens.liveness import Living
from pro_sante_connect.oidc.vocabulary import GrantType

CODE_REFUSED = "The authorization code is invalid or expired."
TOKEN_REFUSED = "Token is not active"
BASIC_CHALLENGE = ("WWW-Authenticate", 'Basic realm="psc", charset="UTF-8"')

Fields = dict[str, str]
At = tuple[datetime, str]  # the moment, and the caller's address


class _Granted(NamedTuple):
    """What a grant leaves for the issuer."""

    living: Living
    refresh_jti: str
    scope: str = ""


def token(machine: Machine, request: MachineRequest) -> Answer:
    """A code or a refresh token becomes tokens."""
    now = machine.dep.clock.now()
    client = None
    try:
        fields = form_of(request)
        client = machine.authenticate(request, fields, now)
        values = once(fields, identical_repeats=client.profile.identical_repeats)
        grant_type = _permitted(client, values)
        if grant_type is GrantType.CLIENT_CREDENTIALS:
            return json_answer(200, _own_name(machine, client, values, (now, request.address)), client=client.id)
        granted = _GRANTS[grant_type](machine, client, values, (now, request.address))
        hidden = _hidden(machine, granted.living, now)
    except TokenRefusal as refusal:
        challenge = (BASIC_CHALLENGE,) if refusal.status == 401 else ()
        return refused(refusal, *challenge, client=client.id if client else "")
    facts = facts_of(granted.living, client, machine.dep.settings, scope=granted.scope, hidden=hidden)
    answer = machine.issuer.token_set(
        facts,
        client,
        refresh_jti=granted.refresh_jti,
        session_expires_at=granted.living.session_expires_at,
        now=now,
    )
    return json_answer(200, answer, client=client.id)


def _permitted(client: RelyingParty, values: Fields) -> GrantType:
    """The grant that is asked for, if the client may use it."""
    asked = values.get("grant_type")
    if asked is None:
        raise invalid_request("Missing parameter: grant_type.", reason="grant-type-missing")
    if asked not in tuple(GrantType):
        raise TokenRefusal("unsupported_grant_type", "Unsupported grant_type.")
    if asked not in client.grants:
        raise TokenRefusal("unauthorized_client", "This grant_type is not registered for the client.")
    return GrantType(asked)


def _own_name(machine: Machine, client: RelyingParty, values: Fields, at: At) -> dict[str, Any]:
    """The client credentials grant."""
    if client.public or not machine.current(client):
        raise invalid_client("client-changed")
    scope = client_credentials.scope_of(client, values.get("scope"))
    settings, jti = machine.dep.settings, machine.dep.chance.uuid()
    claims = client_credentials.access_token(
        settings.issuer.issuer, client, scope=scope, jti=jti, now=int(at[0].timestamp()), life=settings.lifetimes.token
    )
    with machine.writing() as db:
        machine.audit(db, Event.CLIENT_TOKEN_ISSUED, client, at=at, scope=scope)
    token = sign(claims, machine.ring.signer(client.algorithm), token_type="at+jwt")
    return {"access_token": token, "expires_in": settings.lifetimes.token, "token_type": "Bearer", "scope": scope}


def _redeem(machine: Machine, client: RelyingParty, values: Fields, at: At) -> _Granted:
    """The code grant. Whatever is refused after the claim, the code is burnt."""
    if "code" not in values:
        raise invalid_request("Missing parameter: code.", reason="code-missing")
    jti = machine.dep.chance.uuid() if GrantType.REFRESH_TOKEN in client.grants else ""
    spent = machine.claim(
        code.redemption, client, at, code=digest(values["code"]),
        refresh=digest(jti) if jti else None, refresh_ends=_refresh_ends(machine, at[0]) if jti else None,
    )  # fmt: skip
    if spent is None:
        raise invalid_grant(CODE_REFUSED, reason=_replay(machine, client, values["code"], at))
    reason = code.mismatch(spent, redirect_uri=values.get("redirect_uri"), verifier=values.get("code_verifier"))
    reason = reason or _dead_for(machine, client, spent, at[0])
    if reason:
        _refuse(machine, client, spent.id, at, reason=reason, revoke=True)
        raise _dead(reason, CODE_REFUSED)
    return _Granted(spent, jti)


def _dead_for(machine: Machine, client: RelyingParty, living: Living, now: datetime) -> str:
    reason = machine.dead(living, now)
    return reason or ("" if machine.current(client, living.client_version) else "client-changed")


def _replay(machine: Machine, client: RelyingParty, value: str, at: At) -> str:
    """A code spent before: what it gave ends (OAuth 2.1 §4.1.3)."""
    with machine.writing() as db:
        former = code.replayed(db, value, client)
        if former is None:
            return "code-unknown"
        refresh.revoke(db, former[0], now=at[0])
        machine.audit(db, Event.CODE_REPLAYED, client, at=at, practitioner=former[1], grant=former[0])
    return "code-replayed"


def _refresh(machine: Machine, client: RelyingParty, values: Fields, at: At) -> _Granted:
    """The refresh grant: rotation within the family, no grace window."""
    if "refresh_token" not in values:
        raise invalid_request("Missing parameter: refresh_token.", reason="refresh-token-missing")
    claims = jose.read_own(values["refresh_token"], machine.issuer.refresh_key)
    if claims is None or claims.get("typ") != "Refresh" or claims.get("azp") != client.id:
        raise invalid_grant(TOKEN_REFUSED, reason="refresh-unknown")
    scope = _narrowed(values.get("scope"), str(claims["scope"]), client)
    grant, old, new = int(claims["grant_id"]), str(claims["jti"]), machine.dep.chance.uuid()
    living = machine.claim(
        refresh.rotation, client, at, grant=grant, old=digest(old), new=digest(new),
        ends=_refresh_ends(machine, at[0]),
    )  # fmt: skip
    reason = _reuse(machine, client, (grant, old), at) if living is None else _dead_for(machine, client, living, at[0])
    if living is None or reason:
        _refuse(machine, client, grant, at, reason=reason)
        raise _dead(reason, "Session not active" if reason.startswith("session") else TOKEN_REFUSED)
    return _Granted(living, new, scope)


def _reuse(machine: Machine, client: RelyingParty, token: tuple[int, str], at: At) -> str:
    """A token already rotated away: the whole family ends (RFC 9700 §4.14.2)."""
    with machine.writing() as db:
        practitioner = refresh.superseded(db, token[0], client, old_jti=token[1])
        if practitioner is None:
            return "refresh-ended"
        refresh.revoke(db, token[0], now=at[0])
        machine.audit(db, Event.TOKEN_REUSED, client, at=at, practitioner=practitioner, grant=token[0])
    return "refresh-reused"


_GRANTS: dict[GrantType, Callable[[Machine, RelyingParty, Fields, At], _Granted]] = {
    GrantType.AUTHORIZATION_CODE: _redeem,
    GrantType.REFRESH_TOKEN: _refresh,
}


def _refresh_ends(machine: Machine, now: datetime) -> int:
    return microseconds(now + timedelta(seconds=machine.dep.settings.lifetimes.refresh))


def _refuse(machine: Machine, client: RelyingParty, grant: int, at: At, *, reason: str, revoke: bool = False) -> None:
    """Write down why what was claimed is not honoured. The claim is committed: this waits, whoever asks."""
    with machine.writing(wait=True) as db:
        if revoke:
            refresh.revoke(db, grant, now=at[0])
        machine.audit(db, Event.TOKEN_REFUSED, client, at=at, reason=reason, grant=grant)


def _hidden(machine: Machine, living: Living, now: datetime) -> Hidden:
    """What decisions took out of force; nothing for nearly everybody."""
    if not living.decided:
        return NOTHING_HIDDEN
    with machine.reading() as db:
        return machine.hidden(db, living, now)


def _narrowed(asked: str | None, granted: str, client: RelyingParty) -> str:
    """The scope asked for with a refresh: the same or narrower; an empty text means the same."""
    if asked is None:
        return ""
    words = asked.replace(",", " ").split() if client.profile.name == "psc" else asked.split()
    if not set(words) <= set(granted.split()):
        raise TokenRefusal("invalid_scope", "The scope is wider than the one granted.", reason="scope-wider")
    return " ".join(word for word in granted.split() if word in words)


def _dead(reason: str, description: str) -> TokenRefusal:
    if reason in ("client-disabled", "client-changed"):
        return TokenRefusal("invalid_client", "Client authentication failed.", status=401, reason=reason)
    return invalid_grant(description, reason=reason)
