"""The authorization code: spent by one UPDATE before anything is minted (RFC 6749 §4.1.3, OAuth 2.1)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import Connection, bindparam, select, update

from pro_sante_connect.core.digest import digest, same
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.models import Authorization


class Spent(NamedTuple):
    """What the winner of the claim must still match."""

    id: int
    redirect_uri: str
    code_challenge: str


_spend = Statement(
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
    )
    .returning(Authorization.id, Authorization.redirect_uri, Authorization.code_challenge)
)
_replayed = Statement(
    select(Authorization.id, Authorization.practitioner_id).where(
        Authorization.code_digest == bindparam("code"),
        Authorization.client_id == bindparam("client"),
        Authorization.code_spent_at.is_not(None),
    )
)


def spend(
    db: Connection, code: str, client: RelyingParty, *, refresh_jti: str, refresh_life: timedelta, now: datetime
) -> Spent | None:
    """Claim the code for this client; None when there is nothing to claim."""
    row = _spend.one(
        db,
        code=digest(code),
        client=client.id,
        now=microseconds(now),
        refresh=digest(refresh_jti) if refresh_jti else None,
        refresh_ends=microseconds(now + refresh_life) if refresh_jti else None,
    )
    return None if row is None else Spent._make(row)


def replayed(db: Connection, code: str, client: RelyingParty) -> tuple[int, int] | None:
    """Authorization and practitioner of a code that this client already spent."""
    row = _replayed.one(db, code=digest(code), client=client.id)
    return None if row is None else (row[0], row[1])


def mismatch(spent: Spent, *, redirect_uri: str | None, verifier: str | None) -> str:
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
