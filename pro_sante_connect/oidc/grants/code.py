"""The authorization code: spent by one UPDATE before anything is minted (RFC 6749 §4.1.3, OAuth 2.1)."""

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import Connection, bindparam, select, update

from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.digest import digest, same
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.grants.claim import Claim
from pro_sante_connect.oidc.models import Authorization
from pro_sante_connect.oidc.tokens.liveness import Living

# Parameters: `code` (a digest), `client`, `now`, `refresh` and `refresh_ends` (both None without a refresh token).
redemption = Claim(
    update(Authorization)
    .where(
        Authorization.code_digest == bindparam("code"),
        Authorization.client_id == bindparam("client"),  # a stranger neither spends nor revokes
        Authorization.code_spent_at.is_(None),
        Authorization.code_expires_at > bindparam("now"),
        Authorization.revoked_at.is_(None),
    )
    .values(
        code_spent_at=bindparam("now"),
        refresh_digest=bindparam("refresh"),
        refresh_expires_at=bindparam("refresh_ends"),
    ),
    Event.CODE_REDEEMED,
)
_replayed = Statement(
    select(Authorization.id, Authorization.practitioner_id).where(
        Authorization.code_digest == bindparam("code"),
        Authorization.client_id == bindparam("client"),
        Authorization.code_spent_at.is_not(None),
    )
)


def replayed(db: Connection, code: str, client: RelyingParty) -> tuple[int, int] | None:
    """Authorization and practitioner of a code that this client already spent."""
    row = _replayed.one(db, code=digest(code), client=client.id)
    return None if row is None else (row[0], row[1])


def mismatch(spent: Living, *, redirect_uri: str | None, verifier: str | None) -> str:
    """Why the request does not fit the code, or an empty text. Pure."""
    if redirect_uri is None and not spent.code_challenge:
        return "redirect-uri-missing"
    if redirect_uri is not None and not same(redirect_uri, spent.redirect_uri):
        return "redirect-uri-differs"
    if bool(verifier) != bool(spent.code_challenge):  # RFC 9700 §4.8.2: a verifier without challenge is a downgrade
        return "verifier-unexpected" if verifier else "verifier-missing"
    if verifier and not _verifies(verifier, spent.code_challenge):
        return "verifier-wrong"
    return ""


def _verifies(verifier: str, challenge: str) -> bool:
    good = 43 <= len(verifier) <= 128 and verifier.isascii()
    return good and same(create_s256_code_challenge(verifier), challenge)
