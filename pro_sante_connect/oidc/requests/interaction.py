"""A request not yet answered, bound to one browser.

open ── authenticated ── activity chosen ── consent given ── closed (once, by `close`)
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest, same
from pro_sante_connect.core.models import microseconds
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.oidc.requests.request import AuthorizationRequest, from_json


def open_for(
    db: DatabaseSession,
    request: AuthorizationRequest | None,
    *,
    browser: str,
    life: timedelta,
    chance: Chance,
    now: datetime,
    facts: dict[str, Any] | None = None,
) -> Interaction:
    """Keep the request; without one it is a visit to the own space, and `facts` may say where to."""
    interaction = Interaction(
        id=chance.token(18),
        browser_digest=digest(browser),
        client_id=request.client_id if request else None,
        request=request.to_json() if request else facts or {},
        opened_at=now,
        expires_at=now + life,
    )
    db.add(interaction)
    return interaction


def find(db: DatabaseSession, interaction_id: str, *, browser: str, now: datetime) -> Interaction | None:
    """The open interaction of this browser; another browser's is unknown."""
    found = db.get(Interaction, interaction_id)
    if found is None or found.closed_at is not None or found.expires_at <= now:
        return None
    return found if same(found.browser_digest, digest(browser)) else None


def settle(interaction: Interaction, practitioner: int, **facts: datetime | int) -> None:
    """Write what this person just settled here; what somebody else had settled before is gone."""
    if interaction.practitioner_id != practitioner:
        interaction.practitioner_id = practitioner
        interaction.authenticated_at = interaction.activite_id = interaction.consented_at = None
    for name, value in facts.items():
        setattr(interaction, name, value)


def request_of(interaction: Interaction) -> AuthorizationRequest | None:
    """The request it keeps, or None for a visit to the own space."""
    return from_json(interaction.request) if interaction.client_id is not None else None


def close(db: DatabaseSession, interaction_id: str, *, now: datetime) -> bool:
    """True for the one caller that may answer it."""
    return _close.one(within(db), interaction=interaction_id, now=microseconds(now)) is not None


_close = Statement(
    update(Interaction)
    .where(Interaction.id == bindparam("interaction"), Interaction.closed_at.is_(None))
    .values(closed_at=bindparam("now"))
    .returning(Interaction.id)
)


def forget_expired(db: DatabaseSession, *, before: datetime) -> None:
    """Drop requests that nobody finished."""
    db.execute(delete(Interaction).where(Interaction.expires_at < before))
