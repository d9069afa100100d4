"""Cookies ↔ session and interaction: who is at this browser, and which request is it answering."""

from datetime import timedelta

from flask import Response, g, request

from pro_sante_connect.core.authentication import Authentication
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, familiar, means
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.web.context import deployment, house, now, reading, settings, writing
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.headers import YEAR
from pro_sante_connect.web.language import wish
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import allow_form_to, browser, cookie, forget_cookie, set_cookie


def idle() -> timedelta:
    return timedelta(seconds=settings().lifetimes.idle)


def session() -> Session | None:
    """The live session of this browser."""
    secret = request.cookies.get(cookie("session"), "")
    return sessions.find(reading(), secret, idle=idle(), now=now()) if secret else None


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


def signed_in(interaction_id: str, authentication: Authentication) -> Response:
    """A proof was given in this browser for this interaction: begin or renew the session, mark the interaction."""
    former_secret = request.cookies.get(cookie("session"), "")
    with writing() as db:
        found = interactions.find(db, interaction_id, browser=browser(), now=now())
        if found is None:
            raise Refusal("interaction-unknown")
        interactions.settle(found, authentication.practitioner, authenticated_at=authentication.at)
        # The proof was committed a moment ago: what was withdrawn since opens nothing.
        if not means.usable(db, authentication.practitioner, authentication.means):
            raise Refusal("session-unknown")
        former = sessions.find(db, former_secret, idle=idle(), now=now()) if former_secret else None
        begun = sessions.begin(
            db,
            authentication,
            former=former,
            device=device_family(),
            lifetimes=settings().lifetimes,
            chance=deployment().chance,
            now=now(),
        )
        person = attempts.person_of(registry.get(db, authentication.practitioner).national_id)
    response = journey(interaction_id)
    set_cookie(response, "session", begun.secret)
    dep = deployment()
    set_cookie(
        response, "familiar", familiar.remember(dep.vault, familiar_cookie(), person, chance=dep.chance), life=YEAR
    )
    return response


def familiar_cookie() -> str:
    """Who signed in at this browser before; opens nothing."""
    return request.cookies.get(cookie("familiar"), "")


def forget_session(response: Response) -> Response:
    """Take the session cookie from this browser."""
    forget_cookie(response, "session")
    return response
