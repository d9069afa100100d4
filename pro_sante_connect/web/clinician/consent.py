"""What the service will learn: shown once, agreed to or refused."""

from flask import Blueprint, Response

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests.request import AuthorizationRequest
from pro_sante_connect.rpps import registry
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import now, origin, reading, writing
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page

blueprint = Blueprint("consent", __name__)

# scope → groups of claims, as `words` names them
GROUPS = {"openid": ("number",), "profile": ("names",), "identity": ("identifiers",), "scope_all": ("practice",)}


def _who(interaction_id: str) -> tuple[Interaction, AuthorizationRequest, Session]:
    found, session = browser.interaction(interaction_id), browser.session()
    asked = interactions.request_of(found)
    if session is None or asked is None:
        raise Refusal("session-unknown")
    return found, asked, session


@blueprint.get("/journey/<interaction_id>/consent")
def form(interaction_id: str) -> Response:
    """Claim groups in words, values on demand."""
    found, asked, session = _who(interaction_id)
    client, person = browser.client_of(found), registry.get(reading(), session.practitioner_id)
    places = [
        activite["structure"]["legal_name"]
        for exercice in registry.dossier(person)["exercices"]
        for activite in exercice["activites"]
    ]
    values = {
        "number": [person.national_id],
        "names": [f"{person.given_name} {person.family_name}"],
        "identifiers": [person.national_id],
        "practice": places,
    }
    groups = [(group, values[group]) for scope in asked.scope.split() for group in GROUPS.get(scope, ())]
    name = client.name(language()) if client else ""
    return page("consent.html", journey=found.id, client_name=name, groups=groups)


@blueprint.post("/journey/<interaction_id>/consent")
def agree(interaction_id: str) -> Response:
    """Remember the agreement; the dispatcher goes on."""
    found, asked, session = _who(interaction_id)
    with writing() as db:
        by = origin(session.practitioner_id)
        consent.remember(db, session.practitioner_id, asked.client_id, asked.scope, origin=by, now=now())
        db.merge(found).consented_at = now()
    return browser.journey(interaction_id)
