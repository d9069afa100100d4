"""What the pages of a journey share: the open request, the service's name, a settled fact, the way back."""

from datetime import datetime

from flask import Blueprint, Response
from sqlalchemy.orm import Session as DatabaseSession

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests.journey import Next, Step
from pro_sante_connect.web import browser, journey
from pro_sante_connect.web.context import now, writing
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.security import browser as browser_secret

blueprint = Blueprint("steps", __name__)


def service_of(found: Interaction) -> str | None:
    """The name of the service that asks; None for the own space."""
    client = browser.client_of(found)
    return client.name(language()) if client else None


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
