"""Mails and text messages kept by the development transport, read in the message box."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId


class BoxedMessage(Base):
    """A message that a production deployment would have sent."""

    __tablename__ = "boxed_messages"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    recipient: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    body: Mapped[str]
    sent_at: Mapped[datetime]
