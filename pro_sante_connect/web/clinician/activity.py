"""Choose the activity (situation d'exercice) for a service that asks for one."""

from flask import Blueprint, Response, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.rpps import registry
from pro_sante_connect.web import browser, practices
from pro_sante_connect.web.clinician import steps
from pro_sante_connect.web.context import now, reading
from pro_sante_connect.web.forms import field, mend
from pro_sante_connect.web.pages import page
from pro_sante_connect.web.practices import Practice

blueprint = Blueprint("activity", __name__)

MANY = 5


def _usable(practitioner_id: int) -> list[Practice]:
    return practices.of(registry.open_activites(reading(), practitioner_id, now=now()))


def _form(found: Interaction, usable: list[Practice], *, refusal: Refusal | None = None) -> Response:
    wanted = request.args.get("q", "").strip()[:100]
    problem = mend(refusal) if refusal else None
    return page(
        "activity.html",
        status=problem.status if problem else 200,
        problem=problem,
        journey=found.id,
        client_name=steps.service_of(found),
        practices=[one for one in usable if one.matches(wanted)],
        count=len(usable),
        many=len(usable) > MANY,
        wanted=wanted,
        chosen=found.activite_id,
    )


@blueprint.get("/journey/<interaction_id>/activity")
def form(interaction_id: str) -> Response:
    """The activities that may be used now; a search when there are many."""
    found, session = steps.signed_in_here(interaction_id)
    return _form(found, _usable(session.practitioner_id))


@blueprint.post("/journey/<interaction_id>/activity")
def choose(interaction_id: str) -> Response:
    """Keep the choice; the dispatcher goes on."""
    found, session = steps.signed_in_here(interaction_id)
    usable = _usable(session.practitioner_id)
    chosen = next((one.id for one in usable if str(one.id) == field("activity")), None)
    if chosen is None:
        return _form(found, usable, refusal=Refusal("activity-missing"))
    steps.settle(interaction_id, session.practitioner_id, activite_id=chosen)
    return browser.journey(interaction_id)
