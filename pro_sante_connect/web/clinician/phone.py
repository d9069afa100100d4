"""The activated phone: what waits, the number, the proof, "not me"; the links of QR codes arrive here."""

from flask import Blueprint, Response, jsonify, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import approval, pairing, phones
from pro_sante_connect.ecps.models import Phone
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.web.context import deployment, now, origin, reading, settings
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.forms import credential, field, mend
from pro_sante_connect.web.pages import page, see_other
from pro_sante_connect.web.security import cookie, set_cookie

blueprint = Blueprint("phone", __name__)


def phone_token() -> str:
    """What makes this browser a phone."""
    return request.cookies.get(cookie("phone"), "")


def with_phone(response: Response, token: str) -> Response:
    """This browser is a phone from now on, as long as a card lives."""
    set_cookie(response, "phone", token, life=settings().lifetimes.card)
    return response


def _phone() -> Phone | None:
    token = phone_token()
    return phones.find(reading(), token, now=now()) if token else None


def _waiting(refusal: Refusal | None = None) -> Response:
    """What waits on this phone; a page of its own when this browser is none."""
    phone = _phone()
    if phone is None:
        return page("phone_unknown.html")
    view = approval.phone_view(reading(), phone, dep=deployment())
    if view is None:
        if refusal is not None and refusal.code == "approval-killed":
            return page("phone_killed.html", status=403, here="/phone")
        if refusal is not None:
            raise refusal
        return page("phone.html", view=None)
    problem = mend(refusal) if refusal else None
    status = problem.status if problem else 200
    template = "phone_approve.html" if view.matched else "phone.html"
    return page(template, status=status, problem=problem, here="/phone", view=view)


@blueprint.get("/phone")
def show() -> Response:
    """The request that waits, or none."""
    return _waiting()


@blueprint.get("/phone/state")
def state() -> Response:
    """Which request waits, for the page's script."""
    phone = _phone()
    view = approval.phone_view(reading(), phone, dep=deployment()) if phone else None
    return jsonify(state=f"{view.id} {'matched' if view.matched else 'pending'}" if view else "")


@blueprint.get("/phone/scan/<code>")
def scan(code: str) -> Response:
    """The QR code of the desktop, seen by this phone's camera: stands for the typed number once confirmed."""
    if _phone() is None:
        return page("phone_unknown.html")
    scanned = approval.scan(deployment(), phone_token(), code, origin=origin())
    return page("phone_scan.html", view=scanned.view, proof=scanned.proof)


@blueprint.post("/phone/<approval_id>/scanned")
def confirm_scan(approval_id: str) -> Response:
    """The person confirms what was scanned."""
    approval.confirm_scan(deployment(), phone_token(), approval_id, field("proof"), origin=origin())
    return see_other("/phone")


@blueprint.post("/phone/<approval_id>/number")
def number(approval_id: str) -> Response:
    """The number the desktop shows."""
    try:
        approval.submit_number(deployment(), phone_token(), approval_id, field("number"), origin=origin())
    except Refusal as refusal:
        return _waiting(refusal)
    return see_other("/phone")


@blueprint.post("/phone/<approval_id>/proof/options")
def proof_options(approval_id: str) -> Response:
    """What the phone's own passkey signs."""
    return jsonify(approval.start_proof(deployment(), phone_token(), approval_id))


@blueprint.post("/phone/<approval_id>/approve")
def approve(approval_id: str) -> Response:
    """Approve with the phone's passkey, or with the e-CPS code."""
    dep, token, code = deployment(), phone_token(), field("ecps_code")
    try:
        if credential():
            approval.approve_with_passkey(
                dep, token, approval_id, credential(), ended=withdrawal.end_sessions, origin=origin()
            )
        else:
            approval.approve_with_code(dep, token, approval_id, code, origin=origin())
    except Refusal as refusal:
        return _waiting(refusal)
    return see_other("/phone/approved")


@blueprint.post("/phone/<approval_id>/refuse")
def refuse(approval_id: str) -> Response:
    """Not me."""
    approval.refuse(deployment(), phone_token(), approval_id, origin=origin())
    return see_other("/phone/refused")


@blueprint.get("/phone/approved")
def approved() -> Response:
    """Back to the computer."""
    return page("phone_approved.html")


@blueprint.get("/phone/refused")
def refused() -> Response:
    """The desktop was told; the person may freeze the card."""
    return page("phone_refused.html")


@blueprint.get("/phone/freeze")
def ask_freeze() -> Response:
    """Freeze the e-CPS? A page, not a dialog."""
    return page("phone_freeze.html") if _phone() else page("phone_unknown.html")


@blueprint.post("/phone/freeze")
def freeze() -> Response:
    """Whoever holds the phone may stop the card; only a new activation starts one again."""
    phone = _phone()
    if phone is None:
        return page("phone_unknown.html")
    withdrawal.freeze(deployment(), phone.practitioner_id, origin=origin(phone.practitioner_id))
    return page("phone_frozen.html")


@blueprint.get("/pair")
def ask_pair() -> Response:
    """The own space's QR code, opened on a new phone."""
    return page("pair.html", token=request.args.get("t", "")[:128], name=device_family(), here="/")


@blueprint.post("/pair")
def pair() -> Response:
    """This browser becomes a phone of the card."""
    name = field("name") or device_family()
    token = pairing.claim(deployment(), field("t"), phone_name=name, origin=origin())
    return with_phone(see_other("/paired"), token)


@blueprint.get("/paired")
def paired() -> Response:
    """This browser is a phone now."""
    return page("paired.html")
