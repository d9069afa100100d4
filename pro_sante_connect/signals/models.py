"""The development transport's messages, and who works."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId


class BoxedMessage(Base):
    """A message that a production deployment would have sent; read in the message box."""

    __tablename__ = "boxed_messages"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    recipient: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    body: Mapped[str]
    sent_at: Mapped[datetime]


class Lease(Base):
    """Work that one process of the whole deployment does at a time."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]
