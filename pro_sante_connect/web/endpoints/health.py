"""Health: status only, for the operator's supervisor."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.web.context import house, reading

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
def live() -> Response:
    """The process answers."""
    return jsonify(status="live")


@blueprint.get("/health/ready")
def ready() -> Response:
    """The store answers and the keys can sign; a store that fails answers 503 by the table of errors."""
    reading().execute(text("SELECT number FROM epoch"))
    if not house().machine.ring.can_sign():
        raise Refusal("unavailable")
    return jsonify(status="ready")
