"""Refresh: rotated by one UPDATE within its family, which is one row; a reused token ends the family.

A refresh token is ours by its signature and live by its digest: the row holds the digest of the newest `jti`.
"""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.grants.claim import Claim
from pro_sante_connect.oidc.models import Authorization

# Parameters: `grant`, `client`, `now`, `old` and `new` (digests of a `jti`), `ends`.
rotation = Claim(
    update(Authorization)
    .where(
        Authorization.id == bindparam("grant"),
        Authorization.client_id == bindparam("client"),
        Authorization.refresh_digest == bindparam("old"),
        Authorization.refresh_expires_at > bindparam("now"),
        Authorization.revoked_at.is_(None),
    )
    .values(refresh_digest=bindparam("new"), refresh_expires_at=bindparam("ends")),
    Event.TOKEN_REFRESHED,
)
_superseded = Statement(
    select(Authorization.practitioner_id).where(
        Authorization.id == bindparam("grant"),
        Authorization.client_id == bindparam("client"),
        Authorization.refresh_digest.is_not(None),
        Authorization.refresh_digest != bindparam("old"),
        Authorization.revoked_at.is_(None),
    )
)
_revoke = Statement(
    update(Authorization)
    .where(Authorization.id == bindparam("grant"), Authorization.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def superseded(db: Connection, grant: int, client: RelyingParty, *, old_jti: str) -> int | None:
    """The practitioner of a live family in which this token was already rotated away."""
    row = _superseded.one(db, grant=grant, client=client.id, old=digest(old_jti))
    return None if row is None else int(row[0])


def revoke(db: Connection, grant: int, *, now: datetime) -> None:
    """End a family: its code, refresh token and access tokens."""
    _revoke.run(db, grant=grant, now=microseconds(now))


_current = Statement(
    select(Authorization.id).where(
        Authorization.id == bindparam("grant"),
        Authorization.refresh_digest == bindparam("jti"),
        Authorization.refresh_expires_at > bindparam("now"),
    )
)


def is_current(db: Connection, grant: int, *, jti: str, now: datetime) -> bool:
    """This is the family's newest token."""
    return _current.one(db, grant=grant, jti=digest(jti), now=microseconds(now)) is not None
