"""How a message leaves: into the message box (development), or by a mail relay.

A transport raises `Undeliverable` when trying again cannot help; anything else it raises is tried again later.
"""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol

from sqlalchemy import Engine

from pro_sante_connect.core.database import writing
from pro_sante_connect.settings import Messages
from pro_sante_connect.signals.models import BoxedMessage

TIMEOUT = 10
MAIL, SMS = "mail", "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for one person. The same `reference` comes again when a delivery is repeated."""

    channel: str
    recipient: str
    subject: str
    body: str
    reference: str


class Undeliverable(Exception):
    """This message will never arrive; the argument is a short cause without any name or address."""


class Transport(Protocol):
    """Sends one message, or raises."""

    def send(self, message: Message, *, now: datetime) -> None: ...


class BoxTransport:
    """Keeps messages in the store, for the message box."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def send(self, message: Message, *, now: datetime) -> None:
        """One row in a transaction of its own."""
        with writing(self._engine) as db:
            db.add(
                BoxedMessage(
                    channel=message.channel,
                    recipient=message.recipient,
                    subject=message.subject,
                    body=message.body,
                    sent_at=now,
                )
            )


class SmtpTransport:
    """A mail relay; text messages go through the same relay to a mail-to-SMS gateway."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def send(self, message: Message, *, now: datetime) -> None:
        """STARTTLS with a checked certificate before anything is said, unless settings say otherwise."""
        letter = _letter(message, self._messages, now)
        settings = self._messages
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT) as relay:
            if settings.smtp_tls:
                relay.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                relay.login(settings.smtp_user, settings.smtp_password)
            try:
                relay.send_message(letter)
            except smtplib.SMTPRecipientsRefused as problem:
                # RFC 5321 §4.2.1: 5yz is a permanent refusal, 4yz a transient one.
                if all(code >= 500 for code, _ in problem.recipients.values()):
                    raise Undeliverable("recipient refused") from None
                raise


def _letter(message: Message, settings: Messages, now: datetime) -> EmailMessage:
    letter = EmailMessage()
    try:
        letter["From"] = settings.sender
        letter["To"] = _address(message, settings)
        letter["Subject"] = message.subject
    except ValueError:  # a line break in an address would be a header of the sender's choice
        raise Undeliverable("address malformed") from None
    letter["Date"] = now
    letter["Message-ID"] = f"<{message.reference}@{settings.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers us
    letter.set_content(message.body)
    return letter


def _address(message: Message, settings: Messages) -> str:
    if message.channel != SMS:
        return message.recipient
    number = "".join(sign for sign in message.recipient if sign.isascii() and sign.isdigit())
    if not settings.sms_gateway_domain or not number:
        raise Undeliverable("no gateway for text messages")
    return f"{number}@{settings.sms_gateway_domain}"


def transport_of(settings: Messages, engine: Engine) -> Transport:
    """The transport that the settings name."""
    return SmtpTransport(settings) if settings.transport == "smtp" else BoxTransport(engine)
