"""What a person let a service learn, remembered until withdrawn."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin, record
from pro_sante_connect.core.database import insert
from pro_sante_connect.core.statement import Statement, within
from pro_sante_connect.oidc.models import Authorization, Consent


def remembered(db: DatabaseSession, practitioner: int, client: str, scope: str) -> bool:
    """True when the person already agreed to at least this scope."""
    given = _given.one(within(db), practitioner=practitioner, client=client)
    return given is not None and set(scope.split()) <= set(given[0].split())


_given = Statement(
    select(Consent.scope).where(
        Consent.practitioner_id == bindparam("practitioner"), Consent.client_id == bindparam("client")
    )
)


def remember(db: DatabaseSession, practitioner: int, client: str, scope: str, *, origin: Origin, now: datetime) -> None:
    """Keep the agreement; a wider one replaces the former, and of two at once the later."""
    given = insert(db, Consent).values(practitioner_id=practitioner, client_id=client, scope=scope, given_at=now)
    changes = {"scope": given.excluded.scope, "given_at": given.excluded.given_at}
    one = [Consent.practitioner_id, Consent.client_id]
    db.execute(given.on_conflict_do_update(index_elements=one, set_=changes))
    record(db, Event.CONSENT_GIVEN, f"practitioner:{practitioner}", now=now, origin=origin, client=client, scope=scope)


def withdraw(db: DatabaseSession, practitioner: int, client: str, *, origin: Origin, now: datetime) -> None:
    """Forget it; every code and token that this service holds for the person ends with it."""
    db.execute(delete(Consent).filter_by(practitioner_id=practitioner, client_id=client))
    db.execute(
        update(Authorization)
        .where(
            Authorization.practitioner_id == practitioner,
            Authorization.client_id == client,
            Authorization.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    record(db, Event.CONSENT_WITHDRAWN, f"practitioner:{practitioner}", now=now, origin=origin, client=client)


def given_by(db: DatabaseSession, practitioner: int) -> list[Consent]:
    """All agreements of a person, newest first."""
    return list(db.scalars(select(Consent).filter_by(practitioner_id=practitioner).order_by(Consent.given_at.desc())))
