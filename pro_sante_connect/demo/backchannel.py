"""The demo service hears that a session ended: a logout token, verified as any client should (OIDC BCL 1.0 §2.6)."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import Token

EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW = 60
REMEMBERED = 1000


class NotForUs(Exception):
    """The token is refused; the argument says why."""


class LogoutTokens:
    """Of one client. `keys` fetches the provider's, once more when a key is unknown."""

    def __init__(self, *, issuer: Callable[[], str], client_id: str, keys: Callable[[bool], dict[str, Any]]) -> None:
        self._issuer, self._client_id, self._keys = issuer, client_id, keys
        self._seen: dict[str, None] = {}
        self._lock = Lock()

    def read(self, token: str) -> str | None:
        """The session that ended; None for a token already heard. Raises `NotForUs`."""
        claims = self._verified(token)
        events, sid, jti = claims.get("events"), claims.get("sid"), claims.get("jti")
        now = time.time()
        wrong = {
            "iss": claims.get("iss") != self._issuer(),
            "aud": self._client_id not in _listed(claims.get("aud")),
            "iat": not _number(claims.get("iat")) or claims["iat"] > now + SKEW,
            "exp": not _number(claims.get("exp")) or claims["exp"] < now - SKEW,
            "events": not isinstance(events, dict) or not isinstance(events.get(EVENT), dict),
            "sid": not isinstance(sid, str) or not sid,
            "jti": not isinstance(jti, str) or not jti,
            "nonce": "nonce" in claims,  # an ID token is no logout token
        }
        refused = [name for name, is_wrong in wrong.items() if is_wrong]
        if refused:
            raise NotForUs(", ".join(refused))
        return str(sid) if self._first(str(jti)) else None

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            try:
                found = self._decoded(token, fresh=False)
            except InvalidKeyIdError:  # a key made since
                found = self._decoded(token, fresh=True)
        except (JoseError, ValueError, TypeError, KeyError):
            raise NotForUs("signature") from None
        if str(found.header.get("typ", "")).lower() != "logout+jwt":
            raise NotForUs("typ")
        return dict(found.claims)

    def _decoded(self, token: str, *, fresh: bool) -> Token:
        keys: Any = self._keys(fresh)
        return jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256", "ES256"])

    def _first(self, jti: str) -> bool:
        with self._lock:
            if jti in self._seen:
                return False
            while len(self._seen) >= REMEMBERED:
                self._seen.pop(next(iter(self._seen)))
            self._seen[jti] = None
            return True


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
