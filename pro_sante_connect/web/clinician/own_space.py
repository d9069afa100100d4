"""The own space: identity, sessions, history, services. Means have a file of their own."""

from flask import Blueprint, Response, request

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.web import browser, practices
from pro_sante_connect.web.clinician.consent import groups_of
from pro_sante_connect.web.clinician.visitor import visitor
from pro_sante_connect.web.context import house, now, origin, reading, writing
from pro_sante_connect.web.forms import field
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("own_space", __name__)

LINES = 100
# Events that concern the person; what machines do with tokens is the operator's.
SHOWN = (
    Event.SIGN_IN_SUCCEEDED, Event.SIGN_IN_REFUSED, Event.SESSION_ENDED, Event.AUTHORIZATION_GRANTED,
    Event.CONSENT_GIVEN, Event.CONSENT_WITHDRAWN, Event.ACTIVATION_ASKED, Event.ACTIVATION_REFUSED,
    Event.CARD_ACTIVATED, Event.CARD_ENDED, Event.MEANS_ADDED, Event.MEANS_RENAMED, Event.MEANS_WITHDRAWN,
    Event.MEANS_SET_ASIDE, Event.MEANS_DISABLED, Event.APPROVAL_ASKED, Event.APPROVAL_GRANTED, Event.APPROVAL_REFUSED,
    Event.APPROVAL_MISDIRECTED, Event.PRACTITIONER_DECIDED, Event.PRACTITIONER_CONTACT_CHANGED,
    Event.ACTIVITE_ENDED,
)  # fmt: skip


def _client_name(client_id: str) -> str:
    """A service's name; its id once it is disabled."""
    client = house().machine.clients.find(reading().connection(), client_id)
    return client.name(language()) if client else client_id


@blueprint.get("/space")
def identity() -> Response:
    """What the registry says, its source and its date."""
    here = visitor()
    person = registry.get(reading(), here.practitioner_id)
    usable = practices.of(registry.open_activites(reading(), person.id, now=now()))
    return page("space.html", person=person, practices=usable)


@blueprint.get("/space/sessions")
def open_sessions() -> Response:
    """Where the person is signed in now."""
    here = visitor()
    mine = sessions.of_person(reading(), here.practitioner_id, idle=browser.idle(), now=now())
    services = {one.id: [_client_name(name) for name in sessions.clients_met(reading(), one.id)] for one in mine}
    return page("sessions.html", sessions=mine, services=services, here_id=here.id, done="done" in request.args)


@blueprint.post("/space/sessions/<session_id>/end")
def end_session(session_id: str) -> Response:
    """End one of the person's own sessions."""
    here = visitor(back="/space/sessions")
    mine = sessions.of_person(reading(), here.practitioner_id, idle=browser.idle(), now=now())
    if session_id not in [one.id for one in mine]:
        raise Refusal("session-unknown")
    with writing() as db:
        sessions.end(db, session_id, origin=origin(here.practitioner_id), reason="ended-by-person", now=now())
    if session_id == here.id:
        return browser.forget_session(page("signed_out.html", client_name=None, reason="", here="/"))
    return see_other("/space/sessions?done=1")


@blueprint.post("/space/sessions/end")
def end_all() -> Response:
    """End them all, this one too."""
    here = visitor(back="/space/sessions")
    by = origin(here.practitioner_id)
    with writing() as db:
        sessions.end_many(db, here.practitioner_id, origin=by, reason="ended-by-person", now=now())
    return browser.forget_session(page("signed_out.html", client_name=None, reason="", here="/"))


@blueprint.get("/space/history")
def history() -> Response:
    """The journal's lines about the person, in words."""
    here = visitor()
    entries = journal.trail(reading(), registry.subject(here.practitioner_id), limit=LINES, events=SHOWN)
    lines = [
        {
            "at": entry.at,
            "word": entry.event.replace(":", "-"),
            "client": _client_name(entry.client) if entry.client else "",
            "means": str(entry.facts.get("means", "")).partition(":")[0],
            "address": entry.address,
        }
        for entry in entries
    ]
    return page("history.html", lines=lines)


@blueprint.get("/space/services")
def services() -> Response:
    """What the person agreed to."""
    here = visitor()
    given = [
        {"id": one.client_id, "name": _client_name(one.client_id), "at": one.given_at, "groups": groups_of(one.scope)}
        for one in consent.given_by(reading(), here.practitioner_id)
    ]
    return page("services.html", services=given, done="done" in request.args)


@blueprint.post("/space/services/withdraw")
def withdraw_consent() -> Response:
    """The service loses what it holds for the person."""
    here, client_id = visitor(back="/space/services"), field("client_id")
    if client_id not in [one.client_id for one in consent.given_by(reading(), here.practitioner_id)]:
        raise Refusal("client-unknown")
    with writing() as db:
        consent.withdraw(db, here.practitioner_id, client_id, origin=origin(here.practitioner_id), now=now())
    return see_other("/space/services?done=1")


@blueprint.get("/space/sign-out")
def sign_out() -> Response:
    """The page that asks before anything ends."""
    return see_other("/sign-out")
