"""Choose the activity (situation d'exercice) for a service that asks for one."""

from flask import Blueprint, Response, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.rpps import nomenclature, registry
from pro_sante_connect.rpps.registry import OpenActivite
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page

blueprint = Blueprint("activity", __name__)

MANY = 5


def _who(interaction_id: str) -> tuple[Interaction, Session]:
    found, session = browser.interaction(interaction_id), browser.session()
    if session is None:
        raise Refusal("session-unknown")
    return found, session


def _described(one: OpenActivite) -> dict[str, object]:
    """An activity in words: place, profession, sector, way of practising."""
    structure = one.facts["structure"]
    profession = nomenclature.profession_label(one.profession) or one.profession
    return {
        "id": one.id,
        "place": structure["legal_name"] or structure["trade_name"] or profession,
        "town": structure["cedex"] or structure["postcode"],
        "profession": profession,
        "sector": nomenclature.sector_label(one.facts["sector"]) or "",
        "mode": nomenclature.mode_label(one.facts["mode"]) or "",
    }


@blueprint.get("/journey/<interaction_id>/activity")
def form(interaction_id: str) -> Response:
    """The activities that may be used now; a search when there are many."""
    found, session = _who(interaction_id)
    client = browser.client_of(found)
    usable = [_described(one) for one in registry.open_activites(reading(), session.practitioner_id, now=now())]
    wanted = request.args.get("q", "").strip()[:100]
    shown = [one for one in usable if wanted.casefold() in " ".join(map(str, one.values())).casefold()]
    name = client.name(language()) if client else None
    return page(
        "activity.html", journey=found.id, activities=shown, many=len(usable) > MANY, wanted=wanted, client_name=name
    )


@blueprint.post("/journey/<interaction_id>/activity")
def choose(interaction_id: str) -> Response:
    """Keep the choice; the dispatcher goes on."""
    found, session = _who(interaction_id)
    usable = {str(one.id): one.id for one in registry.open_activites(reading(), session.practitioner_id, now=now())}
    chosen = usable.get(request.form.get("activity", ""))
    if chosen is None:
        return browser.journey(interaction_id)
    with writing() as db:
        db.merge(found).activite_id = chosen
    return browser.journey(interaction_id)
