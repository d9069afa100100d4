"""What this address is, for whoever arrives without a service."""

from flask import Blueprint, Response

from pro_sante_connect.web.pages import page

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@blueprint.get("/login-page")
def home() -> Response:
    """One page: sign-in starts in a service."""
    return page("home.html")
