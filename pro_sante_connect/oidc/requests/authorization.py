"""The noun in the middle: who lets which client what, by which proof, for which activity."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin, record
from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.oidc.models import Authorization, Session
from pro_sante_connect.oidc.requests.request import AuthorizationRequest

_columns = (
    "session_id", "client_id", "practitioner_id", "scope", "nonce", "acr", "mode", "methods", "level",
    "authenticated_at", "activite_id", "redirect_uri", "code_challenge", "code_digest", "code_expires_at", "created_at",
)  # fmt: skip
_insert = Statement(insert(Authorization).values({name: bindparam(name) for name in _columns}).inline())


def authorize(
    db: DatabaseSession,
    request: AuthorizationRequest,
    session: Session,
    *,
    acr: Level,
    activite: int | None,
    code_life: timedelta,
    origin: Origin,
    chance: Chance,
    now: datetime,
) -> str:
    """Write the authorization and return its code, told once."""
    code = chance.token(32)
    _insert.run(
        within(db),
        session_id=session.id,
        client_id=request.client_id,
        practitioner_id=session.practitioner_id,
        scope=request.scope,
        nonce=request.nonce,
        acr=acr.value,
        mode=session.mode,
        methods=session.methods,
        level=session.level,
        authenticated_at=microseconds(session.authenticated_at),
        activite_id=activite,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        code_digest=digest(code),
        code_expires_at=microseconds(now + code_life),
        created_at=microseconds(now),
    )
    facts = {"session": session.id, "scope": request.scope, "activite": activite, "acr": acr.value}
    subject = f"practitioner:{session.practitioner_id}"
    record(db, Event.AUTHORIZATION_GRANTED, subject, now=now, origin=origin, client=request.client_id, **facts)
    return code
