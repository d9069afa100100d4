"""private_key_jwt (RFC 7523 §3, OIDC Core §9): audience, short life, `jti` once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, TypeGuard

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.errors import invalid_client
from pro_sante_connect.oidc.tokens.jose import MAX_TOKEN, header_of
from pro_sante_connect.oidc.vocabulary import ASSERTION_ALGORITHMS

MAX_LIFE = 600
SKEW = 10

Remember = Callable[[str, datetime], bool]


def claimed_subject(assertion: str) -> str:
    """The unverified `sub`, only to find the client whose keys must verify it."""
    from base64 import urlsafe_b64decode

    part = assertion[:MAX_TOKEN].split(".")[1:2]
    try:
        claims = orjson.loads(urlsafe_b64decode(part[0] + "=" * (-len(part[0]) % 4))) if part else None
    except ValueError:
        claims = None
    if not isinstance(claims, dict) or not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise invalid_client("assertion-malformed")
    return str(claims["sub"])


def check(assertion: str, client: RelyingParty, *, audiences: Sequence[str], remember: Remember, now: datetime) -> None:
    """Refuses anything but a fresh assertion of this client for us; `remember(jti, until)` claims the jti."""
    claims = _verified(assertion, client)
    at = now.timestamp()
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise invalid_client("assertion-issuer")
    audience = claims.get("aud")
    if not _for_us([audience] if isinstance(audience, str) else audience, audiences):
        raise invalid_client("assertion-audience")
    exp, iat, nbf = claims.get("exp"), claims.get("iat", at), claims.get("nbf", at)
    if not (_is_time(exp) and _is_time(iat) and _is_time(nbf)):
        raise invalid_client("assertion-times")
    if exp <= at - SKEW or exp - min(iat, at) > MAX_LIFE or iat > at + SKEW or nbf > at + SKEW:
        raise invalid_client("assertion-times")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 200:
        raise invalid_client("assertion-jti")
    until = datetime.fromtimestamp(exp, UTC) + timedelta(seconds=2 * SKEW)
    if not remember(f"{client.id}\x1f{jti}", until):
        raise invalid_client("assertion-replayed")


def _is_time(value: Any) -> TypeGuard[float]:
    """A NaN is smaller than nothing and greater than nothing: no limit would hold it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _for_us(audience: Any, audiences: Sequence[str]) -> bool:
    """Every audience named must be us: an assertion that is also good elsewhere could come from there."""
    return isinstance(audience, list) and bool(audience) and all(one in audiences for one in audience)


def _verified(assertion: str, client: RelyingParty) -> dict[str, Any]:
    header = header_of(assertion)
    algorithm = header.get("alg")
    if len(assertion) > MAX_TOKEN or not assertion.isascii() or algorithm not in ASSERTION_ALGORITHMS:
        raise invalid_client("assertion-algorithm")
    try:
        keys = KeySet.import_key_set(client.jwks or {"keys": []})  # type: ignore[arg-type]
        kid = header.get("kid")
        fitting = [key for key in keys.keys if kid is None or key.kid == kid]
        if len(fitting) != 1:
            raise invalid_client("assertion-key")
        return dict(jwt.decode(assertion, fitting[0], algorithms=[str(algorithm)]).claims)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise invalid_client("assertion-signature") from None
