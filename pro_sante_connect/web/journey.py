"""The dispatcher: reads what is settled, asks the one decision, sends the browser there or answers the service."""

from datetime import timedelta

from flask import Blueprint, Response

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import record
from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.client import RelyingParty
from pro_sante_connect.oidc.errors import Redirected
from pro_sante_connect.oidc.models import Interaction, Session
from pro_sante_connect.oidc.requests import answer, consent
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.oidc.requests.authorization import authorize
from pro_sante_connect.oidc.requests.journey import Next, Settled, SignedIn, Step, acr_met, next_step
from pro_sante_connect.oidc.requests.request import AuthorizationRequest, Return
from pro_sante_connect.oidc.requests.session import Held
from pro_sante_connect.rpps import registry, status
from pro_sante_connect.web import browser
from pro_sante_connect.web.context import deployment, house, now, origin, reading, settings, writing
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("journey", __name__)

PAGES = {Step.AUTHENTICATE: "sign-in", Step.CHOOSE_ACTIVITY: "activity", Step.CONSENT: "consent"}
DESCRIPTIONS = {
    "login_required": "The person is not signed in.",
    "consent_required": "The person has not agreed yet.",
    "interaction_required": "The person must choose.",
    "access_denied": "The request was refused.",
    "unmet_authentication_requirements": "The requested assurance level was not reached.",
}


@blueprint.get("/journey/<interaction_id>")
def dispatch(interaction_id: str) -> Response:
    """Decide the next page of this journey."""
    return go_on(browser.interaction(interaction_id), browser.held())


def go_on(found: Interaction, held: Held | None) -> Response:
    """The next page of this journey, or its end."""
    request = interactions.request_of(found)
    if request is None:
        return _space(found, held.session if held else None)
    client = browser.client_of(found)
    if client is None:  # pragma: no cover - a kept request always names its client
        raise Refusal("client-unknown")
    settled = _settled(found, request, held, client)
    chosen = next_step(request, _signed_in(held), settled, now=now())
    if chosen.step in PAGES:
        return see_other(f"/journey/{found.id}/{PAGES[chosen.step]}")
    if chosen.step is Step.REFUSE or held is None:
        return refuse(found, request, chosen)
    return _respond(found, request, held.session, client, activite=settled.activity)


def _space(found: Interaction, session: Session | None) -> Response:
    """The own space asks for a session, and for a fresh proof before a sensitive change."""
    fresh = session is not None and session.authenticated_at >= found.opened_at
    if session is None or (found.request.get("fresh") and not fresh):
        return see_other(f"/journey/{found.id}/sign-in")
    with writing() as db:
        interactions.close(db, found.id, now=now())
    return see_other(str(found.request.get("next", "/space")))


def _signed_in(held: Held | None) -> SignedIn | None:
    if held is None:
        return None
    return SignedIn(
        authenticated_at=held.session.authenticated_at,
        level=Level(held.session.level),
        national_id=held.person.national_id,
        entitled=status.may_sign_in(held.standing, now=now()),
    )


def _settled(found: Interaction, request: AuthorizationRequest, held: Held | None, client: RelyingParty) -> Settled:
    activities: tuple[int, ...] = ()
    mine = held is not None and held.person.id == found.practitioner_id
    chosen, agreed = found.activite_id if mine else None, False
    if held is not None:
        agreed = consent.remembered(reading(), held.person.id, client.id, request.scope)
        if client.chooses_activity:
            activities = tuple(one.id for one in registry.usable(held.person, held.standing, now=now()))
            chosen = activities[0] if len(activities) == 1 else chosen
    return Settled(
        authenticated_at=found.authenticated_at if mine else None,
        activity=chosen,
        activities=activities,
        chooses_activity=client.chooses_activity,
        consent_remembered=agreed,
        consented_at=found.consented_at if mine else None,
        asks_consent=client.asks_consent,
        hinted=hinted(request),
    )


def hinted(request: AuthorizationRequest) -> str | None:
    """National id of a verified id_token_hint; a hint is never a login by itself."""
    if not request.id_token_hint:
        return None
    claims = house().machine.verifier.read(request.id_token_hint, kind="id", now=now(), expired=True)
    return str(claims["sub"]).rpartition(":")[2] if claims else ""


def _respond(
    found: Interaction, request: AuthorizationRequest, session: Session, client: RelyingParty, *, activite: int | None
) -> Response:
    """Close the interaction and write the authorization in one transaction, then answer."""
    acr = acr_met(request, Level(session.level))
    if acr is None:  # pragma: no cover - next_step saw it a moment ago
        raise Refusal("interaction-unknown")
    with writing() as db:
        if not interactions.close(db, found.id, now=now()):
            raise Refusal("interaction-unknown")
        held = sessions.again(db, session.id, idle=browser.idle(), now=now())
        if held is None:
            raise Refusal("session-unknown")
        sessions.touch(db, held.session, now=now())
        code = authorize(
            db,
            request,
            held.session,
            acr=acr,
            activite=activite if client.chooses_activity else None,
            code_life=timedelta(seconds=settings().lifetimes.code),
            origin=origin(session.practitioner_id),
            chance=deployment().chance,
            now=now(),
        )
    back = Return(request.redirect_uri, request.state, request.response_mode)
    return send_back(back, answer.success(back, code=code, session=session.id, issuer=settings().issuer.issuer))


def refuse(found: Interaction, request: AuthorizationRequest, chosen: Next) -> Response:
    """Close the interaction and tell the service no, without the person's reasons."""
    with writing() as db:
        if not interactions.close(db, found.id, now=now()):
            raise Refusal("interaction-unknown")
        record(
            db, Event.AUTHORIZATION_REFUSED, f"client:{request.client_id}", now=now(), origin=origin(),
            client=request.client_id, reason=chosen.reason,
        )  # fmt: skip
    back = Return(request.redirect_uri, request.state, request.response_mode)
    refusal = Redirected(chosen.error, DESCRIPTIONS[chosen.error], reason=chosen.reason)
    return send_back(back, answer.failure(back, refusal, issuer=settings().issuer.issuer))


def send_back(back: Return, members: list[tuple[str, str]]) -> Response:
    """The answer by redirect, or by a form that a static script submits (OAuth 2.0 Form Post)."""
    if back.response_mode == "form_post":
        from pro_sante_connect.web.security import allow_form_to

        allow_form_to(back.redirect_uri)
        return page("form_post.html", uri=back.redirect_uri, members=members)
    return see_other(answer.location(back.redirect_uri, members))
