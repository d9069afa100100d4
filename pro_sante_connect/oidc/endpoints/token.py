"""The token endpoint: authenticate, claim, alive?, commit, sign, answer (RFC 6749 §3.2)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest, form_of, json_answer, once, refused
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.errors import TokenRefusal, invalid_grant, invalid_request
from pro_sante_connect.oidc.grants import code, refresh
from pro_sante_connect.oidc.tokens import jose, liveness
from pro_sante_connect.oidc.tokens.issue import NOTHING_HIDDEN, Hidden, facts_of
from pro_sante_connect.oidc.tokens.liveness import Living
from pro_sante_connect.oidc.vocabulary import GrantType

TOUCH_AFTER = timedelta(seconds=30)
CODE_REFUSED = "The authorization code is invalid or expired."
TOKEN_REFUSED = "Token is not active"
BASIC_CHALLENGE = ("WWW-Authenticate", 'Basic realm="psc", charset="UTF-8"')

Fields = dict[str, str]


class _Granted:
    """What a grant leaves for the issuer, once its transaction is committed."""

    __slots__ = ("hidden", "living", "refresh_jti", "scope")

    def __init__(self, living: Living, hidden: Hidden, refresh_jti: str, scope: str = "") -> None:
        self.living, self.hidden, self.refresh_jti, self.scope = living, hidden, refresh_jti, scope


def token(machine: Machine, request: MachineRequest) -> Answer:
    """A code or a refresh token becomes tokens."""
    now = machine.dep.clock.now()
    client = None
    try:
        fields = form_of(request)
        client = machine.authenticate(request, fields, now)
        values = once(fields, identical_repeats=client.profile.identical_repeats)
        granted = _grant(machine, client, values, (now, request.address))
    except TokenRefusal as refusal:
        challenge = (BASIC_CHALLENGE,) if refusal.status == 401 else ()
        return refused(refusal, *challenge, client=client.id if client else "")
    facts = facts_of(granted.living, client, machine.dep.settings, scope=granted.scope, hidden=granted.hidden)
    answer = machine.issuer.token_set(
        facts,
        client,
        refresh_jti=granted.refresh_jti,
        session_expires_at=granted.living.session_expires_at,
        now=now,
    )
    return json_answer(200, answer, client=client.id)


def _grant(machine: Machine, client: RelyingParty, values: Fields, at: tuple[datetime, str]) -> _Granted:
    grants = {GrantType.AUTHORIZATION_CODE: _redeem, GrantType.REFRESH_TOKEN: _refresh}
    asked = values.get("grant_type")
    if asked is None:
        raise invalid_request("Missing parameter: grant_type.", reason="grant-type-missing")
    if asked not in tuple(GrantType):
        raise TokenRefusal("unsupported_grant_type", "Unsupported grant_type.")
    if asked not in client.grants:
        raise TokenRefusal("unauthorized_client", "This grant_type is not registered for the client.")
    return grants[GrantType(asked)](machine, client, values, at)


def _redeem(machine: Machine, client: RelyingParty, values: Fields, at: tuple[datetime, str]) -> _Granted:
    """The code grant. A refusal after the claim commits it: the code is burnt."""
    if "code" not in values:
        raise invalid_request("Missing parameter: code.", reason="code-missing")
    now = at[0]
    jti = machine.dep.chance.uuid() if GrantType.REFRESH_TOKEN in client.grants else ""
    life = timedelta(seconds=machine.dep.settings.lifetimes.refresh)
    with machine.writing() as db:
        spent = code.spend(db, values["code"], client, refresh_jti=jti, refresh_life=life, now=now)
        if spent is None:
            reason = _replay(machine, db, client, values["code"], at)
            living = None
        else:
            reason = code.mismatch(spent, redirect_uri=values.get("redirect_uri"), verifier=values.get("code_verifier"))
            living, reason = (None, reason) if reason else liveness.read(db, spent.id, idle=machine.idle, now=now)
            if living is None:
                refresh.revoke(db, spent.id, now=now)
                machine.audit(db, Event.TOKEN_REFUSED, None, client, at=at, reason=reason, grant=spent.id)
            else:
                _seen(db, living, now)
                machine.audit(db, Event.CODE_REDEEMED, living, client, at=at, grant=living.id)
                hidden = machine.hidden(db, living, now) if living.decided else NOTHING_HIDDEN
    if living is None:
        raise _dead(client, reason, CODE_REFUSED)
    return _Granted(living, hidden, jti)


def _replay(machine: Machine, db: Connection, client: RelyingParty, value: str, at: tuple[datetime, str]) -> str:
    """A code spent before: what it gave ends (OAuth 2.1 §4.1.3)."""
    former = code.replayed(db, value, client)
    if former is None:
        return "code-unknown"
    refresh.revoke(db, former[0], now=at[0])
    machine.audit(db, Event.CODE_REPLAYED, None, client, at=at, practitioner=former[1], grant=former[0])
    return "code-replayed"


def _refresh(machine: Machine, client: RelyingParty, values: Fields, at: tuple[datetime, str]) -> _Granted:
    """The refresh grant: rotation within the family, no grace window."""
    if "refresh_token" not in values:
        raise invalid_request("Missing parameter: refresh_token.", reason="refresh-token-missing")
    claims = jose.read_own(values["refresh_token"], machine.issuer.refresh_key)
    if claims is None or claims.get("typ") != "Refresh" or claims.get("azp") != client.id:
        raise invalid_grant(TOKEN_REFUSED, reason="refresh-unknown")
    scope = _narrowed(values.get("scope"), str(claims["scope"]), client)
    grant, old, new, now = int(claims["grant_id"]), str(claims["jti"]), machine.dep.chance.uuid(), at[0]
    life = timedelta(seconds=machine.dep.settings.lifetimes.refresh)
    with machine.writing() as db:
        if refresh.rotate(db, grant, client, old_jti=old, new_jti=new, life=life, now=now):
            living, reason = liveness.read(db, grant, idle=machine.idle, now=now)
        else:
            living, reason = None, _reuse(machine, db, client, (grant, old), at)
        if living is None:
            machine.audit(db, Event.TOKEN_REFUSED, None, client, at=at, reason=reason, grant=grant)
        else:
            _seen(db, living, now)
            machine.audit(db, Event.TOKEN_REFRESHED, living, client, at=at, grant=grant)
            hidden = machine.hidden(db, living, now) if living.decided else NOTHING_HIDDEN
    if living is None:
        raise _dead(client, reason, "Session not active" if reason.startswith("session") else TOKEN_REFUSED)
    return _Granted(living, hidden, new, scope)


def _reuse(
    machine: Machine, db: Connection, client: RelyingParty, token: tuple[int, str], at: tuple[datetime, str]
) -> str:
    """A token already rotated away: the whole family ends (RFC 9700 §4.14.2)."""
    practitioner = refresh.superseded(db, token[0], client, old_jti=token[1])
    if practitioner is None:
        return "refresh-ended"
    refresh.revoke(db, token[0], now=at[0])
    machine.audit(db, Event.TOKEN_REUSED, None, client, at=at, practitioner=practitioner, grant=token[0])
    return "refresh-reused"


def _narrowed(asked: str | None, granted: str, client: RelyingParty) -> str:
    """The scope asked for with a refresh: the same or narrower; an empty text means the same."""
    if asked is None:
        return ""
    words = asked.replace(",", " ").split() if client.profile.name == "psc" else asked.split()
    if not set(words) <= set(granted.split()):
        raise TokenRefusal("invalid_scope", "The scope is wider than the one granted.", reason="scope-wider")
    return " ".join(word for word in granted.split() if word in words)


def _seen(db: Connection, living: Living, now: datetime) -> None:
    """Slide the session's idle limit, at most twice a minute."""
    if microseconds(now - TOUCH_AFTER) > living.session_seen_at:
        refresh.touch(db, living.session_id, now=now)


def _dead(client: RelyingParty, reason: str, description: str) -> TokenRefusal:
    if reason == "client-disabled":
        return TokenRefusal("invalid_client", "Client authentication failed.", status=401, reason=reason)
    return invalid_grant(description, reason=reason)
