"""The ledger: which service is told what, by whom it is held now, and how it went.

write (fan-out) ── take (lease, one for each service) ── sent ── settle: acknowledged, waiting again, dead
                    ↑                                     └── a crash: the lease runs out, the same `jti` again
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin, record
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.database import insert
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Authorization, Client
from pro_sante_connect.oidc.models import Session as SignIn
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import leasing
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING, Delivery
from pro_sante_connect.signals.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A delivery held by lease, with all that sending it needs. `url` is empty when its service has none any more."""

    id: int
    jti: str
    client_id: str
    session_id: str
    national_id: str
    url: str
    algorithm: str
    attempts: int

    @property
    def receiver(self) -> str:
        """One call at a time for each."""
        return self.client_id


def write(db: Session, sid: str, *, note: int, chance: Chance, now: datetime) -> int:
    """One for each enabled service that was given something in that session and wants to hear; returns how many are
    new. Twice adds nothing."""
    met = db.execute(
        select(Client.id, SignIn.practitioner_id)
        .join(Authorization, Authorization.client_id == Client.id)
        .join(SignIn, SignIn.id == Authorization.session_id)
        .where(SignIn.id == sid, Client.backchannel_logout_uri != "", Client.disabled_at.is_(None))
        .distinct()
        .order_by(Client.id)
    ).all()
    if not met:
        return 0
    rows = [
        {
            "jti": chance.uuid(), "client_id": client, "session_id": sid, "practitioner_id": person, "note_id": note,
            "state": WAITING, "written_at": now, "due_at": now, "attempts": 0, "last_cause": "",
        }
        for client, person in met
    ]  # fmt: skip
    statement = insert(db, Delivery).on_conflict_do_nothing(index_elements=[Delivery.session_id, Delivery.client_id])
    return len(db.execute(statement.values(rows).returning(Delivery.id)).all())


def due(db: Session, *, beside: Collection[str], now: datetime) -> bool:
    """Something waits for a service that is not among these."""
    return leasing.due(db, Delivery.client_id, beside=beside, now=now)


def take(
    db: Session, *, beside: Collection[str], among: Collection[str] | None = None, limit: int, now: datetime
) -> list[Taken]:
    """Lease the oldest that is due for each service but `beside`, or of `among` but these. The caller commits, then
    sends."""
    ids = leasing.take(db, Delivery.client_id, beside=beside, among=among, limit=limit, now=now)
    rows = db.execute(
        select(Delivery, Client, Practitioner.national_id)
        .join(Client, Client.id == Delivery.client_id)
        .join(Practitioner, Practitioner.id == Delivery.practitioner_id)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    )
    return [_taken(delivery, client, national_id) for delivery, client, national_id in rows]


def _taken(delivery: Delivery, client: Client, national_id: str) -> Taken:
    return Taken(
        id=delivery.id,
        jti=delivery.jti,
        client_id=client.id,
        session_id=delivery.session_id,
        national_id=national_id,
        url="" if client.disabled_at is not None else client.backchannel_logout_uri,
        algorithm=client.algorithm,
        attempts=delivery.attempts,
    )


def settle(db: Session, taken: Taken, verdict: Verdict, *, now: datetime) -> bool:
    """Write the answer down, and what is dead into the journal too."""
    if not leasing.settle(db, Delivery, taken.id, taken.attempts, verdict, now=now):
        return False
    if verdict.state == DEAD:
        record(
            db, Event.DELIVERY_DEAD, f"client:{taken.client_id}", now=now, delivery=taken.id,
            session=taken.session_id, cause=verdict.cause, attempts=taken.attempts,
        )  # fmt: skip
    return True


def replay(db: Session, *, delivery: int | None, client: str | None, origin: Origin, now: datetime) -> int:
    """Dead ones wait again, under the same `jti`; returns how many. Refuses `delivery-not-dead`."""
    which = Delivery.id == delivery if delivery is not None else Delivery.client_id == client
    again = (
        update(Delivery)
        .where(which, Delivery.state == DEAD)
        .values(state=WAITING, attempts=0, due_at=now, leased_until=None)
        .returning(Delivery.id, Delivery.client_id)
        .execution_options(synchronize_session=False)
    )
    found = db.execute(again).all()
    if not found:
        raise Refusal("delivery-not-dead")
    for service in sorted({row.client_id for row in found}):
        numbers = sorted(row.id for row in found if row.client_id == service)
        record(db, Event.DELIVERY_REPLAYED, f"client:{service}", now=now, origin=origin, deliveries=numbers)
    return len(found)


def listed(
    db: Session, *, client: str | None = None, state: str | None = None, session: str | None = None,
    practitioner: int | None = None, limit: int = 1000,
) -> list[Delivery]:  # fmt: skip
    """Newest first."""
    statement = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if practitioner is not None:
        statement = statement.where(Delivery.practitioner_id == practitioner)
    for column, value in ((Delivery.client_id, client), (Delivery.state, state), (Delivery.session_id, session)):
        if value is not None:
            statement = statement.where(column == value)
    return list(db.scalars(statement))


def trouble(db: Session, *, before: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """By service, how many wait since before that moment, and how many are dead; only of services that may be told."""

    def count(*which: ColumnElement[bool]) -> dict[str, int]:
        counted = (
            select(Delivery.client_id, func.count())
            .join(Client, Client.id == Delivery.client_id)
            .where(Client.backchannel_logout_uri != "", Client.disabled_at.is_(None), *which)
            .group_by(Delivery.client_id)
        )
        return {client: number for client, number in db.execute(counted)}

    return count(Delivery.state == WAITING, Delivery.written_at < before), count(Delivery.state == DEAD)


def forget_settled(db: Session, *, before: datetime, limit: int) -> int:
    """Drop those of which the last word is older; returns how many. One that waits stays."""
    old = select(Delivery.id).where(Delivery.state.in_((ACKNOWLEDGED, DEAD)), Delivery.last_at < before).limit(limit)
    late = list(db.scalars(old))
    db.execute(delete(Delivery).where(Delivery.id.in_(late)))
    return len(late)
