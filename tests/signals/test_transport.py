"""The mail relay: what it is told, and what is never said without TLS."""

import ssl
from typing import Any

import pytest

from pro_sante_connect.settings import Messages
from pro_sante_connect.signals.transport import BoxTransport, Message, SmtpTransport, Undeliverable, transport_of
from tests.world import START, World


def settings(relay: Any, **changed: Any) -> Messages:
    host, port = relay.server_address
    return Messages(transport="smtp", smtp_host=host, smtp_port=port, **{"smtp_tls": False, **changed})


def mail(**changed: str) -> Message:
    facts = {"channel": "mail", "recipient": "camille@personnes.example", "subject": "Accès rétabli", "body": "Voilà.",
             "reference": "psc-7"}  # fmt: skip
    return Message(**(facts | changed))


def test_a_mail_says_who_when_and_that_it_is_automatic(relay: Any) -> None:
    SmtpTransport(settings(relay, sender="non@exemple.example")).send(mail(), now=START)
    heard = "\n".join(relay.heard).lower()
    assert "rcpt to:<camille@personnes.example>" in heard
    assert "message-id: <psc-7@exemple.example>" in heard
    assert "auto-submitted: auto-generated" in heard
    assert "date: tue, 05 mar 2030 08:00:00 +0000" in heard


def test_a_text_message_goes_to_the_gateway(relay: Any) -> None:
    transport = SmtpTransport(settings(relay, sms_gateway_domain="sms.example"))
    transport.send(mail(channel="sms", recipient="+33 6 39 98 12 34", subject=""), now=START)
    assert "rcpt TO:<33639981234@sms.example>" in relay.heard


def test_without_gateway_no_text_message_can_arrive(relay: Any) -> None:
    with pytest.raises(Undeliverable):
        SmtpTransport(settings(relay)).send(mail(channel="sms", recipient="+33639981234"), now=START)
    assert relay.heard == []


def test_an_address_cannot_add_a_header(relay: Any) -> None:
    with pytest.raises(Undeliverable):
        SmtpTransport(settings(relay)).send(mail(recipient="a@b.example\nBcc: c@d.example"), now=START)
    assert relay.heard == []


def test_a_recipient_refused_for_good_is_undeliverable(relay: Any) -> None:
    relay.recipients = "550 nobody"
    with pytest.raises(Undeliverable):
        SmtpTransport(settings(relay)).send(mail(), now=START)


def test_a_recipient_refused_for_now_is_tried_again(relay: Any) -> None:
    relay.recipients = "450 later"
    with pytest.raises(OSError, match="later"):
        SmtpTransport(settings(relay)).send(mail(), now=START)


def test_nothing_is_said_to_a_relay_without_a_good_certificate(relay: Any) -> None:
    with pytest.raises((ssl.SSLError, OSError)):
        SmtpTransport(settings(relay, smtp_tls=True, smtp_user="u", smtp_password="p")).send(mail(), now=START)
    assert [line.split(" ")[0] for line in relay.heard] == ["ehlo", "STARTTLS"]


def test_the_user_signs_in_when_one_is_set(relay: Any) -> None:
    with pytest.raises(OSError, match="not supported"):
        SmtpTransport(settings(relay, smtp_user="u", smtp_password="p")).send(mail(), now=START)


def test_settings_choose_the_transport(world: World, relay: Any) -> None:
    assert isinstance(transport_of(settings(relay), world.engine), SmtpTransport)
    assert isinstance(transport_of(Messages(), world.engine), BoxTransport)
