"""What a logout token says (OpenID Connect Back-Channel Logout 1.0 §2.4). Pure."""

from datetime import datetime
from typing import Any

TYPE = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
# §4: short, preferably at most two minutes; each try signs it anew, with the same `jti`.
LIFE = 120


def claims(*, issuer: str, client_id: str, subject: str, sid: str, jti: str, now: datetime) -> dict[str, Any]:
    """Never a `nonce`: it must not pass for an ID token."""
    at = int(now.timestamp())
    return {
        "iss": issuer, "aud": client_id, "iat": at, "exp": at + LIFE, "jti": jti, "sub": subject, "sid": sid,
        "events": {EVENT: {}},
    }  # fmt: skip
