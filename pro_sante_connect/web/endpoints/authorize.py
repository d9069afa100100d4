"""GET and POST /auth: judge the request, keep it, go on to the first page or the answer."""

from datetime import timedelta

from flask import Blueprint, Response, g, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.errors import Displayed, Redirected
from pro_sante_connect.oidc.requests import answer
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests.request import Parameters, client_id_of, judge, way_back
from pro_sante_connect.web import browser, journey
from pro_sante_connect.web.context import deployment, house, now, settings, writing
from pro_sante_connect.web.journey import send_back
from pro_sante_connect.web.language import wish
from pro_sante_connect.web.security import browser as browser_secret

blueprint = Blueprint("authorize", __name__)

MAX_QUERY = 16_384


def _parameters() -> Parameters:
    source = request.form if request.method == "POST" else request.args
    if len(request.query_string) > MAX_QUERY:
        raise Refusal("request-malformed")
    pairs = [(name, value) for name, values in source.lists() for value in values]
    if any("\0" in value or "�" in value for _, value in pairs):
        raise Displayed("request-malformed")
    return pairs


@blueprint.route("/auth", methods=["GET", "POST"])
@blueprint.route("/auth/", methods=["GET", "POST"])
def authorize() -> Response:
    """RFC 6749 §4.1.1, OIDC Core §3.1.2.1."""
    parameters = _parameters()
    wish(tag for name, value in parameters if name == "ui_locales" for tag in value.split()[:10])
    with house().machine.reading() as db:
        client = house().machine.clients.current(db, client_id_of(parameters))
    back = way_back(parameters, client)
    if client is None:  # pragma: no cover - way_back refuses it
        raise Displayed("client-unknown")
    try:
        asked = judge(parameters, client, back)
    except Redirected as refusal:
        return send_back(back, answer.failure(back, refusal, issuer=settings().issuer.issuer))
    life = timedelta(seconds=settings().lifetimes.interaction)
    with writing() as db:
        opened = interactions.open_for(
            db, asked, browser=browser_secret(), life=life, chance=deployment().chance, now=now()
        )
    if request.method == "POST":
        # A form of another site comes without our cookies; the browser's next request brings them.
        return browser.journey(opened.id)
    g.client_id = client.id
    return journey.go_on(opened, browser.held())
