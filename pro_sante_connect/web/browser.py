"""Cookies ↔ session and interaction: who is at this browser, and which request is it answering."""

from datetime import timedelta

from flask import Response, g, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.oidc.requests.session import Held
from pro_sante_connect.web.context import house, now, reading, settings
from pro_sante_connect.web.language import wish
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import allow_form_to, browser, cookie, forget_cookie


def idle() -> timedelta:
    return timedelta(seconds=settings().lifetimes.idle)


def held() -> Held | None:
    """The live session of this browser, and its person."""
    secret = request.cookies.get(cookie("session"), "")
    return sessions.find(reading(), secret, idle=idle(), now=now()) if secret else None


def session() -> Session | None:
    """The live session of this browser."""
    found = held()
    return found.session if found else None


def interaction(interaction_id: str) -> Interaction:
    """The open interaction, or a 404 page; its service may receive this page's forms and wish for a language."""
    found = interactions.find(reading(), interaction_id, browser=browser(), now=now())
    if found is None:
        raise Refusal("interaction-unknown")
    if found.client_id is not None:
        g.client_id = found.client_id
        allow_form_to(str(found.request["redirect_uri"]))
        wish(found.request["ui_locales"])
    return found


def client_of(found: Interaction) -> RelyingParty | None:
    """The service that asks; None for the own space. A service disabled meanwhile is refused."""
    if found.client_id is None:
        return None
    client = house().machine.clients.current(reading().connection(), found.client_id)
    if client is None:
        raise Refusal("client-unknown")
    return client


def journey(interaction_id: str) -> Response:
    """Back to the dispatcher: the only address a journey page redirects to."""
    return see_other(f"/journey/{interaction_id}")


def familiar_cookie() -> str:
    """Who signed in at this browser before; opens nothing."""
    return request.cookies.get(cookie("familiar"), "")


def forget_session(response: Response) -> Response:
    """Take the session cookie from this browser."""
    forget_cookie(response, "session")
    return response
