"""Pages that say things: home, help, accessibility."""

from flask import Blueprint, Response, url_for

from pro_sante_connect.web.clinician import moments
from pro_sante_connect.web.context import settings
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("plain", __name__)
moments.install(blueprint)


@blueprint.app_context_processor
def _names() -> dict[str, str]:
    return {"authority_contact": settings().appearance.authority_contact}


@blueprint.get("/")
@blueprint.get("/login-page")
def home() -> Response:
    """What this address is, for whoever arrives without a service."""
    return page("home.html")


@blueprint.get("/help")
def help_page() -> Response:
    """The built-in help."""
    return page("help.html")


@blueprint.get("/accessibility")
def accessibility() -> Response:
    """What is aimed at, what is checked."""
    return page("accessibility.html")


@blueprint.get("/favicon.ico")
def icon() -> Response:
    """Browsers ask for it on answers that are no page."""
    return see_other(url_for("static", filename="icon.svg"))
