"""One process of the deployment works at a time: a lease that its holder renews and others wait for."""

from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from pro_sante_connect.core.database import insert
from pro_sante_connect.signals.models import Lease


def hold(db: Session, name: str, holder: str, *, until: datetime, now: datetime) -> bool:
    """Take it when it is free or ran out, renew it when it is ours; one statement, so one holder."""
    connection = db.connection()
    free = or_(Lease.holder == holder, Lease.until <= now)
    statement = insert(connection, Lease).values(name=name, holder=holder, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=[Lease.name], set_={"holder": holder, "until": until}, where=free
    )
    return connection.execute(statement.returning(Lease.name)).first() is not None


def release(db: Session, name: str, holder: str) -> None:
    """Let the next one work at once."""
    db.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
