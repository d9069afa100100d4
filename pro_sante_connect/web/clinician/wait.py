"""The desktop waits for the phone: number, QR code, time left; the browser that asked is the one that collects.

A page that waits holds a thread for a while, so only a few may; the others are answered at once and ask again.
No transaction is open between two looks at the row.
"""

import time
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select

from pro_sante_connect.core import database as store
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import approval
from pro_sante_connect.ecps.approval import DesktopView
from pro_sante_connect.ecps.models import Approval
from pro_sante_connect.oidc.models import Interaction
from pro_sante_connect.rpps.identifiers import parse_typed
from pro_sante_connect.web import browser
from pro_sante_connect.web.clinician import memory, steps
from pro_sante_connect.web.clinician.sign_in import form_again
from pro_sante_connect.web.context import deployment, house, origin, settings
from pro_sante_connect.web.database import database
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.forms import field, mend
from pro_sante_connect.web.pages import page, see_other
from pro_sante_connect.web.security import browser as browser_secret

blueprint = Blueprint("wait", __name__)

OPEN = ("pending", "matched")
HELP_AFTER = 15
LOOKS, PAUSE = 96, 0.25  # 24 s: shorter than what proxies allow


@blueprint.post("/journey/<interaction_id>/phone")
def start(interaction_id: str) -> Response:
    """Ask the phone; a newer request replaces the one that waits."""
    found, number = browser.interaction(interaction_id), field("national_id")
    try:
        parse_typed(number)
        asked = approval.start(
            deployment(),
            typed=number,
            browser=browser_secret(),
            service=steps.service_of(found) or settings().appearance.service_name,
            device=device_family(),
            origin=origin(),
            familiar_cookie=browser.familiar_cookie(),
        )
    except Refusal as refusal:
        return form_again(found, number, problem=mend(refusal))
    steps.await_approval(interaction_id, asked)
    ticked = "remember" in request.form
    return memory.keep(see_other(f"/journey/{found.id}/wait"), found, number, ticked=ticked, way="phone")


def _waiting(interaction_id: str) -> tuple[Interaction, DesktopView]:
    found = browser.interaction(interaction_id)
    if found.approval is None:
        raise Refusal("approval-unknown")
    return found, approval.desktop_view(deployment(), found.approval, browser=browser_secret())


@blueprint.get("/journey/<interaction_id>/wait")
def show(interaction_id: str) -> Response:
    """The number to type, or how the request ended."""
    found, view = _waiting(interaction_id)
    if view.state == "approved":
        return see_other(f"/journey/{found.id}/wait/finish")
    if view.state == "collected":
        return browser.journey(found.id)
    facts: dict[str, Any] = {"journey": found.id, "client_name": steps.service_of(found), "view": view}
    if view.state not in OPEN:
        return page("wait_over.html", number=memory.number_for(found), **facts)
    helped = settings().lifetimes.approval - view.seconds_left >= HELP_AFTER
    phone_page = f"{settings().issuer.wallet_base}/phone"
    return page("wait.html", number=memory.number_for(found), helped=helped, phone_page=phone_page, **facts)


@blueprint.get("/journey/<interaction_id>/wait/qr.svg")
def drawing(interaction_id: str) -> Response:
    """The QR code of this moment; it changes every few seconds."""
    _, view = _waiting(interaction_id)
    return Response(view.qr_svg, content_type="image/svg+xml")


@blueprint.get("/journey/<interaction_id>/wait/state")
def state(interaction_id: str) -> Response:
    """The state as soon as it is not `known` any more, or after a while."""
    found, view = _waiting(interaction_id)
    known = request.args.get("known")
    seats = house().seats
    if view.state == known and seats.acquire(blocking=False):
        try:
            _sit(found.approval or "", known)
        finally:
            seats.release()
        view = approval.desktop_view(deployment(), found.approval or "", browser=browser_secret())
    return jsonify(state=view.state, seconds_left=view.seconds_left)


def _sit(approval_id: str, known: str) -> None:
    """Look at the row until it moves; no view, since drawing QR codes four times a second is work for nothing."""
    dep = deployment()
    row = select(Approval.state, Approval.expires_at).where(Approval.id == approval_id)
    for _ in range(LOOKS):
        database.session.remove()
        time.sleep(PAUSE)
        with store.reading(dep.engine) as db:
            seen = db.execute(row).first()
        if seen is None or seen.state != known or seen.expires_at <= dep.clock.now():
            return


@blueprint.route("/journey/<interaction_id>/wait/finish", methods=["GET", "POST"])
def finish(interaction_id: str) -> Response:
    """Collect the proof, once, in the browser that asked; before it is there, wait on."""
    found, view = _waiting(interaction_id)
    if view.state != "approved":
        return see_other(f"/journey/{found.id}/wait")
    proof = approval.collect(deployment(), found.approval or "", browser=browser_secret(), origin=origin())
    return steps.signed_in(interaction_id, proof)
