"""The mail relay: what it is told, and what is never said without TLS."""

import socketserver
import ssl
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from pro_sante_connect.settings import Messages
from pro_sante_connect.signals.transport import BoxTransport, Message, SmtpTransport, Undeliverable, transport_of
from tests.world import START, World


class Conversation(socketserver.StreamRequestHandler):
    """A relay of twenty lines that writes down what it hears."""

    def handle(self) -> None:
        self.say("220 relay")
        while line := self.rfile.readline():
            heard = line.decode().strip()
            self.server.heard.append(heard)  # type: ignore[attr-defined]
            verb = heard.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-relay\r\n250 STARTTLS")
            elif verb == "DATA":
                self.say("354 go on")
                while (line := self.rfile.readline().rstrip()) != b".":
                    self.server.heard.append(line.decode())  # type: ignore[attr-defined]
                self.say("250 kept")
            elif verb == "RCPT":
                self.say(self.server.recipients)  # type: ignore[attr-defined]
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.connection.close()
                return
            else:
                self.say("221 bye" if verb == "QUIT" else "250 good")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def relay() -> Iterator[Any]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
    server.heard, server.recipients = [], "250 good"  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


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
