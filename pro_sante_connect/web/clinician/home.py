"""What this address is, for whoever arrives without a service."""

from flask import Blueprint, Response, current_app

from pro_sante_connect.web.pages import page

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@blueprint.get("/login-page")
def home() -> Response:
    """One page: sign-in starts in a service."""
    return page("home.html")


@blueprint.get("/favicon.ico")
def icon() -> Response:
    """For pages that cannot name their icon, such as JSON shown by a browser."""
    return current_app.send_static_file("icon.svg")
