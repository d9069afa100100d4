"""Sign in: the number first, then a passkey, the phone or the codes; the code page needs no JavaScript."""

from flask import Blueprint, Response, jsonify, request

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in, passkeys
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.oidc.requests.interaction import request_of
from pro_sante_connect.rpps.identifiers import parse_typed
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.web import browser
from pro_sante_connect.web.clinician import memory, steps
from pro_sante_connect.web.context import deployment, origin, settings
from pro_sante_connect.web.forms import Problem, credential, field, member, mend
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("sign_in", __name__)


def form_again(found: Interaction, number: str | None = None, *, problem: Problem | None = None) -> Response:
    """The sign-in page, perhaps with a problem."""
    stronger = _stronger(found)
    return page(
        "sign_in.html",
        status=problem.status if problem else 200,
        problem=problem,
        journey=found.id,
        here=f"/journey/{found.id}/sign-in",
        client_name=steps.service_of(found),
        number=memory.number_for(found) if number is None else number,
        remembered=bool(memory.remembered()),
        ways=("passkey",) if stronger else memory.ways(),
        reason=_reason(found, stronger),
    )


def _stronger(found: Interaction) -> bool:
    """Whether nothing but a passkey reaches what the service asks."""
    asked, policy = request_of(found), settings().policy
    reached = (Level(policy.code_level), Level(policy.approval_level))
    return asked is not None and not any(one.reaches(acr) for acr in asked.acr_values for one in reached)


def _reason(found: Interaction, stronger: bool) -> str:
    """Why a person who is signed in is asked again; a word of `sign-in`."""
    if stronger:
        return "stronger"
    if found.client_id is None and found.request.get("fresh"):
        return "fresh"
    return "step-up" if browser.session() is not None else ""


@blueprint.get("/journey/<interaction_id>/sign-in")
def form(interaction_id: str) -> Response:
    """Who signs in, and how."""
    return form_again(browser.interaction(interaction_id))


@blueprint.post("/journey/<interaction_id>/sign-in")
def choose_codes(interaction_id: str) -> Response:
    """The number is kept, the code page follows."""
    found, number = browser.interaction(interaction_id), field("national_id")
    try:
        parse_typed(number)
    except Refusal as refusal:
        return form_again(found, number, problem=mend(refusal))
    response = see_other(f"/journey/{found.id}/sign-in/code")
    return memory.keep(response, found, number, ticked="remember" in request.form, way="code")


def _codes(found: Interaction, number: str, *, problem: Problem | None = None) -> Response:
    return page(
        "code.html",
        status=problem.status if problem else 200,
        problem=problem,
        journey=found.id,
        client_name=steps.service_of(found),
        number=number,
    )


@blueprint.get("/journey/<interaction_id>/sign-in/code")
def codes(interaction_id: str) -> Response:
    """e-CPS code and one-time code."""
    found = browser.interaction(interaction_id)
    return _codes(found, memory.number_for(found))


@blueprint.post("/journey/<interaction_id>/sign-in/code")
def by_codes(interaction_id: str) -> Response:
    """Both codes at once."""
    found, number = browser.interaction(interaction_id), field("national_id")
    try:
        proof = code_sign_in.sign_in(
            deployment(), typed=number, pin=field("ecps_code"), otp=field("otp"), origin=origin(),
            familiar_cookie=browser.familiar_cookie(),
        )  # fmt: skip
    except Refusal as refusal:
        return _codes(found, number, problem=mend(refusal))
    return steps.signed_in(interaction_id, proof)


@blueprint.post("/journey/<interaction_id>/sign-in/passkey/options")
def passkey_options(interaction_id: str) -> Response:
    """What the browser asks its authenticators; without a number any passkey of ours may answer."""
    found = browser.interaction(interaction_id)
    return jsonify(passkeys.start_sign_in(deployment(), binding=found.id, typed=member("national_id") or None))


@blueprint.post("/journey/<interaction_id>/sign-in/passkey")
def by_passkey(interaction_id: str) -> Response:
    """The authenticator's answer, in a form field: the browser follows our redirect like any other form's."""
    found, number = browser.interaction(interaction_id), field("national_id")
    try:
        proof = passkeys.finish_sign_in(
            deployment(),
            binding=found.id,
            credential=credential(),
            ended=withdrawal.end_sessions,
            origin=origin(),
        )
    except Refusal as refusal:
        return form_again(found, number or None, problem=mend(refusal))
    response = steps.signed_in(interaction_id, proof)
    return memory.keep(response, found, number, ticked=bool(number) and "remember" in request.form, way="passkey")
