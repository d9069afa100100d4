"""What the service will learn: shown once, agreed to or refused."""

from flask import Blueprint, Response

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests.request import AuthorizationRequest
from pro_sante_connect.rpps import registry
from pro_sante_connect.web import browser, practices
from pro_sante_connect.web.clinician import steps
from pro_sante_connect.web.context import now, origin, reading, writing
from pro_sante_connect.web.pages import page
from pro_sante_connect.web.practices import Practice
from pro_sante_connect.web.security import browser as browser_secret

blueprint = Blueprint("consent", __name__)

# scope → groups of claims, as `words` names them; see the shapes in `oidc/tokens`
GROUPS = {
    "openid": ("number", "proof"),
    "profile": ("names",),
    "identity": ("identifiers",),
    "scope_all": ("names", "identifiers", "practice"),
}


def groups_of(scope: str) -> list[str]:
    """Claim groups of a scope, each once."""
    return list(dict.fromkeys(group for name in scope.split() for group in GROUPS.get(name, ())))


def _who(interaction_id: str) -> tuple[Interaction, AuthorizationRequest, Session]:
    found, session = steps.signed_in_here(interaction_id)
    asked = interactions.request_of(found)
    if asked is None:
        raise Refusal("interaction-unknown")
    return found, asked, session


def _practices(found: Interaction, practitioner_id: int) -> list[Practice]:
    """Those that the service will learn: all, or the chosen one. The only one counts as chosen."""
    usable = practices.of(registry.open_activites(reading(), practitioner_id, now=now()))
    client = browser.client_of(found)
    cut = client is not None and client.learns_chosen_only and len(usable) > 1
    return [one for one in usable if one.id == found.activite_id] if cut else usable


def _values(found: Interaction, practitioner_id: int) -> dict[str, list[str]]:
    """What each group holds today, for this person and this service."""
    person = registry.get(reading(), practitioner_id)
    usable = _practices(found, practitioner_id)
    return {
        "number": [person.national_id],
        "proof": [],
        "names": [f"{person.given_name} {person.family_name}"],
        "identifiers": [one["identifier"] for one in registry.dossier(person)["other_ids"]] or [person.national_id],
        "practice": [" – ".join(filter(None, (one.place, one.town, one.profession, one.skills))) for one in usable],
    }


@blueprint.get("/journey/<interaction_id>/consent")
def form(interaction_id: str) -> Response:
    """Claim groups in words, values on demand."""
    found, asked, session = _who(interaction_id)
    values = _values(found, session.practitioner_id)
    groups = [(group, values[group]) for group in groups_of(asked.scope)]
    return page("consent.html", journey=found.id, client_name=steps.service_of(found), groups=groups)


@blueprint.post("/journey/<interaction_id>/consent")
def agree(interaction_id: str) -> Response:
    """Remember the agreement; the dispatcher goes on."""
    _, asked, session = _who(interaction_id)
    by = origin(session.practitioner_id)
    with writing() as db:
        found = interactions.find(db, interaction_id, browser=browser_secret(), now=now())
        if found is None:
            raise Refusal("interaction-unknown")
        consent.remember(db, session.practitioner_id, asked.client_id, asked.scope, origin=by, now=now())
        interactions.settle(found, session.practitioner_id, consented_at=now())
    return browser.journey(interaction_id)
