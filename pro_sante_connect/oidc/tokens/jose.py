"""The only place that signs and verifies. Algorithms are named, `exp` is always checked, the clock is ours."""

from collections import OrderedDict
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from pro_sante_connect.oidc.tokens.keys import Key, KeyRing
from pro_sante_connect.oidc.vocabulary import SIGNING_ALGORITHMS

MAX_TOKEN = 8192
SKEW = 10
_SIGNERS = JWSRegistry(algorithms=["HS256", *SIGNING_ALGORITHMS])

Claims = dict[str, Any]


def sign(claims: Claims, key: Key, *, token_type: str = "JWT") -> str:
    """A compact JWS with `alg`, `typ` and always `kid`: several clients cannot do without."""
    return _compact(_header(key.algorithm, token_type, key.kid), claims, key.algorithm, key.private)


def sign_own(claims: Claims, key: OctKey) -> str:
    """An HS256 token that only we read back (refresh tokens)."""
    return _compact(_header("HS256", "JWT", "own"), claims, "HS256", key)


@lru_cache(maxsize=64)
def _header(algorithm: str, token_type: str, kid: str) -> bytes:
    return urlsafe_b64encode(orjson.dumps({"alg": algorithm, "typ": token_type, "kid": kid}))


def _compact(header: bytes, claims: Claims, algorithm: str, key: Any) -> str:
    """RFC 7515 §3.1. The library judges headers and keys at each call; ours are made here and loaded once, so only
    its signature is asked for: a token answer has three."""
    signed = header + b"." + urlsafe_b64encode(orjson.dumps(claims))
    return (signed + b"." + urlsafe_b64encode(_SIGNERS.get_alg(algorithm).sign(signed, key))).decode()


def read_own(token: str, key: OctKey) -> Claims | None:
    """Claims of one of our own HS256 tokens; expiry is the caller's question."""
    return _decoded(token, key, "HS256")


def _decoded(token: str, key: Any, algorithm: str) -> Claims | None:
    if len(token) > MAX_TOKEN or not token.isascii():
        return None
    try:
        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return None


def header_of(token: str) -> Claims:
    """The unverified header, or an empty one."""
    try:
        header = orjson.loads(_unpadded(token.partition(".")[0]))
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}


def _unpadded(text: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text[:MAX_TOKEN] + "=" * (-len(text) % 4))


class Verifier:
    """Reads tokens that we signed. A signature once verified is remembered by the token's digest."""

    def __init__(self, ring: KeyRing, *, issuer: str, size: int = 5000) -> None:
        self._ring, self._issuer, self._size, self._lock = ring, issuer, size, Lock()
        self._seen: OrderedDict[bytes, tuple[Claims, str]] = OrderedDict()

    def read(self, token: str, *, kind: str, now: datetime, expired: bool = False) -> Claims | None:
        """Claims of a token of that `kind`, or None.

        `kind`: `access` or `id`. `expired` accepts a token whose time is over and a key no longer published
        (logout hints).
        """
        found = self._verified(token, retired=expired)
        if found is None:
            return None
        claims, header_type = found
        if claims.get("iss") != self._issuer or kind_of(claims, header_type) != kind:
            return None
        at = now.timestamp()
        if not expired and claims.get("exp", 0) <= at:
            return None
        return claims if claims.get("iat", at) <= at + SKEW else None

    def _verified(self, token: str, *, retired: bool) -> tuple[Claims, str] | None:
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        mark = sha256(token.encode()).digest()
        found = self._seen.get(mark)
        if found is not None:
            return found
        header = header_of(token)
        key = self._ring.verifier(str(header.get("kid", "")), retired=retired)
        if key is None:
            return None
        claims = _decoded(token, key.private, key.algorithm)
        if claims is None:
            return None
        found = (claims, str(header.get("typ", "")))
        with self._lock:
            self._seen[mark] = found
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return found


def kind_of(claims: Claims, header_type: str) -> str:
    """`access`, `id` or `other`: one kind must never pass for another (RFC 9068 §2.1, Keycloak's `typ`)."""
    if header_type == "at+jwt" or claims.get("typ") == "Bearer":
        return "access"
    return "id" if claims.get("typ") == "ID" else "other"
