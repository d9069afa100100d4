"""Sign in: the number first, then a passkey of this device, or e-CPS code and one-time code without JavaScript."""

import json

from flask import Blueprint, Response, jsonify, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import code_sign_in, passkeys
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.oidc.requests import interaction as interactions
from pro_sante_connect.oidc.requests.journey import Next, Step
from pro_sante_connect.web import browser, journey
from pro_sante_connect.web.context import deployment, origin
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("sign_in", __name__)

# Refusals that leave the person on the form; the others have a page of their own.
HERE = {"codes-refused": 422, "codes-paused": 429, "passkey-refused": 422, "passkey-set-aside": 422}
MAX_NUMBER = 128


def _form(found: Interaction, *, refusal: Refusal | None = None, number: str | None = None) -> Response:
    asked, client = interactions.request_of(found), browser.client_of(found)
    hint = asked.login_hint if asked else ""
    return page(
        "sign_in.html",
        status=HERE[refusal.code] if refusal else 200,
        journey=found.id,
        client_name=client.name(language()) if client else None,
        number=(hint if number is None else number)[:MAX_NUMBER],
        refusal=refusal,
    )


@blueprint.get("/journey/<interaction_id>/sign-in")
def form(interaction_id: str) -> Response:
    """Who signs in, and how."""
    return _form(browser.interaction(interaction_id))


@blueprint.post("/journey/<interaction_id>/sign-in/code")
def by_codes(interaction_id: str) -> Response:
    """e-CPS code and one-time code."""
    found = browser.interaction(interaction_id)
    number = request.form.get("national_id", "")[:MAX_NUMBER]
    try:
        proof = code_sign_in.sign_in_with_codes(
            deployment(),
            typed=number,
            code=request.form.get("ecps_code", "")[:64],
            otp=request.form.get("otp", "")[:64],
            origin=origin(),
        )
    except Refusal as refusal:
        if refusal.code not in HERE:
            raise
        return _form(found, refusal=refusal, number=number)
    return browser.signed_in(interaction_id, proof)


@blueprint.post("/journey/<interaction_id>/sign-in/passkey/options")
def passkey_options(interaction_id: str) -> Response:
    """What the browser asks its authenticators; without a number any passkey of ours may answer."""
    found = browser.interaction(interaction_id)
    number = str(json.loads(request.get_data() or b"{}").get("national_id") or "").strip()[:MAX_NUMBER]
    return jsonify(passkeys.start_sign_in(deployment(), binding=found.id, typed=number or None))


@blueprint.post("/journey/<interaction_id>/sign-in/passkey")
def by_passkey(interaction_id: str) -> Response:
    """The authenticator's answer, in a form field: the browser follows our redirect like any other form's."""
    found = browser.interaction(interaction_id)
    credential = request.form.get("credential", "")
    try:
        proof = passkeys.finish_sign_in(deployment(), binding=found.id, credential=credential, origin=origin())
    except Refusal as refusal:
        if refusal.code not in HERE:
            raise
        return _form(found, refusal=refusal)
    return browser.signed_in(interaction_id, proof)


@blueprint.post("/journey/<interaction_id>/cancel")
def cancel(interaction_id: str) -> Response:
    """Back to the service, which hears `access_denied` and nothing more."""
    found = browser.interaction(interaction_id)
    asked = interactions.request_of(found)
    if asked is None:
        return see_other("/")
    return journey.refuse(found, asked, Next(Step.REFUSE, "cancelled", "access_denied"))
