"""May this still be used? One statement at every use, one answer.

Nothing is propagated: a decision, an import, a logout or a disabled client is true for the next reader from its
commit on. "Alive" means unbroken since the session began, so a reinstated person signs in again and nothing old
revives.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, FromClause, Select, bindparam, exists, select
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.core.epoch import Epoch
from pro_sante_connect.core.models import microseconds, moment
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.models import Authorization, Client, RevokedToken, Session
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.rpps.models import Activite, Decision, Practitioner


class Living(NamedTuple):
    """An authorization and all it depends on, as read at one moment. Moments are microseconds."""

    id: int
    client_id: str
    session_id: str
    practitioner_id: int
    scope: str
    nonce: str
    acr: str
    mode: str
    methods: str
    level: str
    authenticated_at: int
    activite_id: int | None
    redirect_uri: str
    code_challenge: str
    revoked_at: int | None
    session_ended_at: int | None
    session_began_at: int
    session_seen_at: int
    session_expires_at: int
    session_epoch: int
    national_id: str
    present_since: int
    absent_since: int | None
    protected: bool
    dossier: str
    activite_ended_at: int | None
    activite_profession: str | None
    activite_category: str | None
    client_version: int
    client_disabled_at: int | None
    epoch: int
    decided: bool
    jti_revoked: bool


_OF_AUTHORIZATION = (
    "id", "client_id", "session_id", "practitioner_id", "scope", "nonce", "acr", "mode", "methods", "level",
    "authenticated_at", "activite_id", "redirect_uri", "code_challenge", "revoked_at",
)  # fmt: skip


def dependencies(source: FromClause) -> Select[Any]:
    """A `Living` for each row of `source`, which has the columns of an authorization. Binds `now` and `jti`."""
    now: BindParameter[datetime] = bindparam("now")
    # A decision that could matter: in force at some instant between the session's beginning and now.
    decided = exists().where(
        Decision.practitioner_id == source.c.practitioner_id,
        Decision.blocks_from <= now,
        Decision.blocks_until.is_(None) | (Decision.blocks_until > Session.began_at),
        Decision.lifted_at.is_(None) | (Decision.lifted_at > Session.began_at),
    )
    return (
        select(
            *(source.c[name] for name in _OF_AUTHORIZATION),
            Session.ended_at, Session.began_at, Session.last_seen_at, Session.expires_at, Session.epoch,
            Practitioner.national_id, Practitioner.present_since, Practitioner.absent_since,
            Practitioner.protected,
            Practitioner.dossier,
            Activite.ended_at, Activite.profession, Activite.category,
            Client.version, Client.disabled_at,
            Epoch.number,
            decided,
            exists().where(RevokedToken.jti == bindparam("jti")),
        )
        .select_from(source)
        .join(Session, Session.id == source.c.session_id)
        .join(Practitioner, Practitioner.id == source.c.practitioner_id)
        .join(Client, Client.id == source.c.client_id)
        .join(Epoch, Epoch.id == 1)
        .outerjoin(Activite, Activite.id == source.c.activite_id)
    )  # fmt: skip


_authorizations = Authorization.__table__
_read = Statement(dependencies(_authorizations).where(_authorizations.c.id == bindparam("id")))


def dead_because(living: Living, *, idle: timedelta, now: datetime) -> str:
    """A stable reason, or an empty text. Pure; decisions are looked at by `judge`."""
    at = microseconds(now)
    reasons = (
        ("revoked", living.revoked_at is not None or living.jti_revoked),
        ("session-ended", living.session_ended_at is not None or living.session_epoch != living.epoch),
        ("session-expired", living.session_expires_at <= at),
        ("session-idle", living.session_seen_at + idle // timedelta(microseconds=1) <= at),
        ("client-disabled", living.client_disabled_at is not None),
        ("practitioner-absent", living.absent_since is not None and not living.protected),
        ("practitioner-returned", living.present_since > living.session_began_at),
        ("activite-ended", living.activite_ended_at is not None),
    )
    return next((reason for reason, dead in reasons if dead), "")


def find(db: Connection, authorization: int, *, jti: str = "", now: datetime) -> Living | None:
    """The authorization of that id with all it depends on."""
    row = _read.one(db, id=authorization, now=microseconds(now), jti=jti)
    return None if row is None else Living._make(row)


def judge(db: Connection, living: Living, *, idle: timedelta, now: datetime) -> str:
    """Why it may not be used any more, or an empty text. Reads decisions only where one could matter."""
    return dead_because(living, idle=idle, now=now) or (_decided_against(db, living, now) if living.decided else "")


def read(
    db: Connection, authorization: int, *, jti: str = "", idle: timedelta, now: datetime
) -> tuple[Living | None, str]:
    """The living authorization and an empty text, or None and the reason."""
    living = find(db, authorization, jti=jti, now=now)
    reason = "unknown" if living is None else judge(db, living, idle=idle, now=now)
    return (None, reason) if reason else (living, "")


def standing_of(db: Connection, living: Living) -> status.Standing:
    """The practitioner's presence and decisions."""
    with DatabaseSession(bind=db, join_transaction_mode="rollback_only") as session:
        return registry.standing(session, living.practitioner_id)


def _decided_against(db: Connection, living: Living, now: datetime) -> str:
    standing, since = standing_of(db, living), moment(living.session_began_at)
    if not status.unbroken(standing, since=since, now=now):
        return "practitioner-stopped"
    if living.activite_id is not None and not status.activite_usable(
        standing,
        activite=living.activite_id,
        profession=living.activite_profession or "",
        category=living.activite_category or "",
        ended_at=None,
        since=since,
        now=now,
    ):
        return "activite-stopped"
    return ""
