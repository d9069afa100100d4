"""The message box: mails and SMS that a deployment would send, and the phones of the people to try."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, jsonify, make_response, redirect, render_template, request
from sqlalchemy import select

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.edge import protect
from pro_sante_connect.ecps import pairing
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals.models import BoxedMessage

SHOWN = 200


def create_message_box(dep: Deployment, card: dict[str, Any]) -> Flask:
    """The application over the provider's own store: it sees what the provider wrote."""
    app = Flask(__name__, static_folder="static", template_folder="templates")

    protect(app)

    @app.get("/")
    def box() -> Response:
        recipient = request.args.get("to", "").strip()
        messages = _messages(dep, recipient)
        return make_response(render_template("message_box.html", messages=messages, recipient=recipient))

    @app.get("/messages.json")
    def messages() -> Response:
        """The same for programs, newest first."""
        fields = ("id", "channel", "recipient", "subject", "body")
        found = _messages(dep, request.args.get("to", "").strip())
        return jsonify(
            [{name: getattr(one, name) for name in fields} | {"sent_at": one.sent_at.isoformat()} for one in found]
        )

    @app.get("/phones")
    def phones() -> Response:
        return make_response(render_template("phones.html", people=card["practitioners"]))

    @app.get("/phones/<national_id>")
    def phone(national_id: str) -> Any:
        """This browser becomes that person's phone: a fresh link of one use, as the QR code of the own space."""
        token = _pairing(dep, national_id)
        if token is None:
            abort(404)
        return redirect(f"{card['wallet_url']}/pair?" + urlencode({"t": token}), 303)

    return app


def _pairing(dep: Deployment, national_id: str) -> str | None:
    """None for somebody who is unknown or has no card."""
    try:
        with writing(dep.engine) as db:
            person = registry.find(db, national_id)
            if person is None:
                return None
            now, lifetimes = dep.clock.now(), dep.settings.lifetimes
            return pairing.issue(db, person, chance=dep.chance, now=now, lifetimes=lifetimes)
    except Refusal:
        return None


def _messages(dep: Deployment, recipient: str) -> list[BoxedMessage]:
    wanted = select(BoxedMessage).order_by(BoxedMessage.id.desc()).limit(SHOWN)
    if recipient:
        wanted = wanted.where(BoxedMessage.recipient.contains(recipient, autoescape=True))
    with reading(dep.engine) as db:
        return list(db.scalars(wanted))
