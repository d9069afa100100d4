"""A number that a restore bumps: sessions and grants of an older epoch are void."""

from sqlalchemy import update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pro_sante_connect.core.models import Base


class Epoch(Base):
    """One row, id 1, written by the first migration."""

    __tablename__ = "epoch"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]


def bump(db: Session) -> int:
    """Void everything issued so far; called after a backup was restored."""
    return int(db.execute(update(Epoch).values(number=Epoch.number + 1).returning(Epoch.number)).scalar_one())
