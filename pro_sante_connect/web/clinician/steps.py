"""What the pages of a journey share: the open request, the service's name, a settled fact, the way back."""

from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.core.authentication import Authentication
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import attempts, familiar, means
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.oidc.requests.journey import Next, Step
from pro_sante_connect.web import browser, journey
from pro_sante_connect.web.context import deployment, now, reading, settings, writing
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.headers import YEAR
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import browser as browser_secret
from pro_sante_connect.web.security import cookie, set_on_answer

blueprint = Blueprint("steps", __name__)


def service_of(found: Interaction) -> str | None:
    """The name of the service that asks; None for the own space."""
    client = browser.client_of(found)
    return client.name(language()) if client else None


def signed_in(interaction_id: str, authentication: Authentication) -> Response:
    """A proof was given in this browser for this interaction: begin or renew the session, and go on."""
    former_secret = request.cookies.get(cookie("session"), "")
    dep = deployment()
    with writing() as db:
        interactions.settle(_open(db, interaction_id), authentication.practitioner, authenticated_at=authentication.at)
        # The proof was committed a moment ago: what was withdrawn since opens nothing.
        if not means.usable(db, authentication.practitioner, authentication.means):
            raise Refusal("session-unknown")
        former = sessions.find(db, former_secret, idle=browser.idle(), now=now()) if former_secret else None
        begun = sessions.begin(
            db,
            authentication,
            former=former.session if former else None,
            device=device_family(),
            lifetimes=settings().lifetimes,
            chance=dep.chance,
            now=now(),
        )
    set_on_answer("session", begun.secret)
    held = sessions.again(reading(), begun.session.id, idle=browser.idle(), now=now())
    if held is None:
        raise Refusal("session-unknown")
    person = attempts.person_of(held.person.national_id)
    known = familiar.remember(dep.vault, browser.familiar_cookie(), person, chance=dep.chance)
    set_on_answer("familiar", known, life=YEAR)
    return journey.go_on(browser.interaction(interaction_id), held)


def signed_in_here(interaction_id: str) -> tuple[Interaction, Session]:
    """The open request and the session that answers it."""
    found, session = browser.interaction(interaction_id), browser.session()
    if session is None:
        raise Refusal("session-unknown")
    return found, session


def await_approval(interaction_id: str, approval: str) -> None:
    """This browser waits for that phone approval; unless the request was closed meanwhile."""
    with writing() as db:
        _open(db, interaction_id).approval = approval


def settle(interaction_id: str, practitioner: int, **facts: int | datetime) -> None:
    """Write what that person just settled, unless the request was closed meanwhile."""
    with writing() as db:
        interactions.settle(_open(db, interaction_id), practitioner, **facts)


def _open(db: DatabaseSession, interaction_id: str) -> Interaction:
    found = interactions.find(db, interaction_id, browser=browser_secret(), now=now())
    if found is None:
        raise Refusal("interaction-unknown")
    return found


@blueprint.post("/journey/<interaction_id>/cancel")
def cancel(interaction_id: str) -> Response:
    """Back to the service, which hears `access_denied` and nothing more."""
    found = browser.interaction(interaction_id)
    asked = interactions.request_of(found)
    if asked is None:
        return see_other("/")
    return journey.refuse(found, asked, Next(Step.REFUSE, "cancelled", "access_denied"))
