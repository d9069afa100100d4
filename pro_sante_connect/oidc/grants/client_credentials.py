"""A service in its own name, for this provider's own APIs only (RFC 6749 §4.4). Pure.

Nobody's data are behind such a token but the service's own: it has no `grant_id`, and no endpoint that tells about
people takes it.
"""

from typing import Any

from pro_sante_connect.oidc.errors import TokenRefusal
from pro_sante_connect.oidc.relying_party import RelyingParty
from pro_sante_connect.oidc.vocabulary import API_SCOPES


def scope_of(client: RelyingParty, asked: str | None) -> str:
    """What is granted: all that is registered, or the part that is asked for; refuses `invalid_scope`."""
    registered = [name for name in API_SCOPES if name in client.scopes]
    words = registered if asked is None else asked.split()
    if not words or not set(words) <= set(registered):
        raise TokenRefusal("invalid_scope", "The scope is not registered for this client.", reason="scope-unregistered")
    return " ".join(name for name in registered if name in words)


def access_token(issuer: str, client: RelyingParty, *, scope: str, jti: str, now: int, life: int) -> dict[str, Any]:
    """RFC 9068 §2.2: the subject is the client itself."""
    return {
        "iss": issuer,
        "sub": client.id,
        "aud": issuer,
        "client_id": client.id,
        "exp": now + life,
        "iat": now,
        "jti": jti,
        "scope": scope,
    }
