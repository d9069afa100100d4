"""The same table for the demo's own pages: its health service and its message box, on sockets of this process."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import make_server

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.outbound import Outbound
from pro_sante_connect.demo import clients
from pro_sante_connect.demo.message_box import create_message_box
from pro_sante_connect.demo.relying_party import create_service
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.signals.delivery import deliver_due
from pro_sante_connect.signals.models import BoxedMessage
from pro_sante_connect.signals.post import Post
from pro_sante_connect.signals.transport import BoxTransport
from tests.browser.stage import Stage
from tests.serving import Served

PEOPLE = [
    {"situation": "any", "national_id": "899820424051", "ecps_code": "7294", "given_name": "CHLOE",
     "family_name": "ARROSOIR", "phone_url": "http://localhost/phones/899820424051"},
    {"situation": "not-enrolled", "national_id": "899820424099", "ecps_code": None, "given_name": "BASILE",
     "family_name": "TREMBLE", "phone_url": None},
]  # fmt: skip


@contextmanager
def demo_pages(served: Served) -> Iterator[dict[str, str]]:
    """Addresses of the service and of the message box of a served provider."""
    dep = served.world.dep
    with ExitStack() as sockets:
        ports = [make_server("127.0.0.1", 0, Flask(name), threaded=True) for name in ("service", "box")]
        service, box = (f"http://localhost:{server.port}" for server in ports)
        card: dict[str, Any] = {
            "discovery_url": f"{dep.settings.issuer.issuer}/.well-known/openid-configuration",
            "wallet_url": served.base, "practitioners": PEOPLE, "clients": clients.card(dep.vault, service),
        }  # fmt: skip
        with writing(dep.engine) as db:
            clients.ensure(db, dep, service)
            db.add_all(
                BoxedMessage(
                    channel=channel, recipient="chloe@personnes.example", subject=subject, body="Code : 12345678",
                    sent_at=dep.clock.now(),
                )
                for channel, subject in (("mail", "Votre code"), ("sms", ""))
            )  # fmt: skip
        ports[0].app, ports[1].app = create_service(card), create_message_box(dep, card)
        for server in ports:
            sockets.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            sockets.callback(server.shutdown)
        yield {"service": service, "box": box}


def inside(stage: Stage, service: str) -> None:
    """Signed in to the shared diary."""
    stage.sign_in()
    stage.go(service + "/agenda/login")
    if "/consent" in stage.page.url:
        stage.send()


def _signed_out(stage: Stage, at: dict[str, str]) -> None:
    inside(stage, at["service"])
    stage.page.click("form[action$=logout] button")
    stage.page.wait_for_url("**/signed-out*")


def _inside(stage: Stage, at: dict[str, str]) -> None:
    inside(stage, at["service"])
    for opened in stage.page.locator("summary").all():
        opened.click()


def _ended(stage: Stage, at: dict[str, str]) -> None:
    """The provider ends the session and tells the service; the open page says it by itself."""
    inside(stage, at["service"])
    dep = stage.served.world.dep
    stage.served.world.clock.at = datetime.now(UTC)  # the service judges the token by the real time
    with writing(dep.engine) as db:
        person, now = stage.holder.practitioner, dep.clock.now()
        assert sessions.end_many(db, person, origin=SYSTEM, reason="practice-stopped", now=now)
    while deliver_due(dep, BoxTransport(dep.engine)):
        pass
    post = Post(dep, Outbound({urlsplit(at["service"]).netloc}))
    while post.round():
        post.wait(5)
    post.close()
    stage.page.wait_for_selector("#ended")


DEMO_SCENES: dict[str, Any] = {
    "service_home": lambda stage, at: stage.go(at["service"] + "/"),
    "service_home second": lambda stage, at: stage.go(at["service"] + "/agenda"),
    "service_refused": lambda stage, at: stage.go(at["service"] + "/callback?error=access_denied&error_description=No"),
    "service_inside": _inside,
    "service_signed_out": _signed_out,
    "service_home ended": _ended,
    "message_box": lambda stage, at: stage.go(at["box"] + "/"),
    "message_box empty": lambda stage, at: stage.go(at["box"] + "/?to=nobody"),
    "phones": lambda stage, at: stage.go(at["box"] + "/phones"),
}
