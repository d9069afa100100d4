"""RP-initiated logout: the machine address decides by the hint, the page asks the person."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from pro_sante_connect.oidc.endpoints.logout import LogoutRequest, judge
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import house, now, origin, settings, writing
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page, see_other

KEPT = ("client_id", "post_logout_redirect_uri", "state")


def _parameters() -> Sequence[tuple[str, str]]:
    return [*request.args.items(multi=True), *request.form.items(multi=True)]


def _done(asked: LogoutRequest) -> Response:
    """Back to the service when it may be told, else the "session closed" page: never an error."""
    if asked.redirect is not None:
        return see_other(asked.redirect)
    name = asked.client.name(language()) if asked.client else None
    return page("signed_out.html", client_name=name, reason=asked.reason)


def logout() -> Response:
    """A good hint ends the session it names; without one the person is asked on the wallet's own host."""
    asked = judge(house().machine, _parameters(), now=now())
    if asked.sid is None or asked.confirm:
        return see_other(f"{settings().issuer.wallet_base}/sign-out?" + urlencode(_kept(asked)))
    with writing() as db:
        sessions.end(db, asked.sid, origin=origin(), reason="logout", now=now())
    return _done(asked)


def _kept(asked: LogoutRequest) -> dict[str, str]:
    """What the question page must still know; a refused redirect is forgotten."""
    fields = {key: value for key, value in _parameters() if key in KEPT}
    if asked.client is not None:
        fields["client_id"] = asked.client.id
    if asked.reason:
        fields.pop("post_logout_redirect_uri", None)
    return fields


def ask() -> Response:
    """Ask on the pages' own host, where the cookie is; nothing ends before the click."""
    asked = judge(house().machine, _parameters(), now=now())
    if browser.session() is None and asked.redirect is None:
        return _done(asked)
    name = asked.client.name(language()) if asked.client else None
    return page("sign_out_confirm.html", client_name=name, fields=_kept(asked), reason=asked.reason)


def sign_out() -> Response:
    """The person said yes on our page: this browser's session ends."""
    current = browser.session()
    if current is not None:
        with writing() as db:
            sessions.end(db, current.id, origin=origin(current.practitioner_id), reason="sign-out", now=now())
    asked = judge(house().machine, _parameters(), now=now())
    return browser.forget_session(_done(asked))


def register(protocol_path: str) -> Blueprint:
    """The machine address of this realm, and the page that asks."""
    blueprint = Blueprint("logout", __name__)
    blueprint.add_url_rule(f"{protocol_path}/logout", "logout", logout, methods=["GET", "POST"])
    blueprint.add_url_rule("/sign-out", "ask", ask, methods=["GET"])
    blueprint.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])
    return blueprint
