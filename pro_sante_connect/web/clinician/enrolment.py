"""Activate an e-CPS: two codes, then the e-CPS code, a passkey, a code app; this browser becomes the phone.

The cookie `enrolment` holds the room's token; the page to show is always the step that the room says is next.
"""

from flask import Blueprint, Response, jsonify, request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import enrolment, phones
from pro_sante_connect.ecps.enrolment import Enrolling, Step
from pro_sante_connect.rpps.identifiers import parse_typed
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.web.clinician.phone import phone_token, with_phone
from pro_sante_connect.web.context import deployment, now, origin, reading
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.forms import Problem, credential, field, mend
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import page, see_other
from pro_sante_connect.web.security import cookie, forget_cookie, set_cookie

blueprint = Blueprint("enrolment", __name__)

PAGES = {Step.CODE: "code", Step.PASSKEY: "passkey", Step.TOTP: "totp", Step.DONE: "done"}
STEPS = ("identity", "code", "passkey", "totp")


def _page(step: str, /, *, refusal: Refusal | None = None, **facts: object) -> Response:
    """A step's page, perhaps with a problem."""
    problem: Problem | None = mend(refusal) if refusal else None
    status = problem.status if problem else 200
    here = "/activate" if step == "identity" else f"/activate/{step}"
    return page(f"activate_{step}.html", status=status, problem=problem, here=here, steps=STEPS, **facts)


def _token() -> str:
    return request.cookies.get(cookie("enrolment"), "")


def _enrolling() -> Enrolling:
    return enrolment.progress(reading(), _token(), now=now())


def _next() -> Response:
    """To the step that comes next."""
    return see_other(f"/activate/{PAGES[_enrolling().step]}")


def _elsewhere(step: Step) -> Response | None:
    """None when the person is at this step; the way to the right one otherwise."""
    return None if _enrolling().step is step else _next()


@blueprint.get("/activate")
def identity() -> Response:
    """Whose e-CPS?"""
    return _page("identity", number="")


@blueprint.post("/activate")
def ask() -> Response:
    """The same answer for everybody; the codes leave only for some."""
    number = field("national_id")
    try:
        parse_typed(number)
        enrolment.ask(deployment(), number, language=language(), origin=origin())
    except Refusal as refusal:
        return _page("identity", refusal=refusal, number=number)
    return see_other("/activate/codes?sent=1")


@blueprint.get("/activate/codes")
def codes() -> Response:
    """Where both codes are typed."""
    return _page("codes", sent="sent" in request.args)


@blueprint.post("/activate/codes")
def verify() -> Response:
    """Both codes at once open the enrolment in this browser."""
    try:
        token = enrolment.verify(
            deployment(),
            mail_code=field("mail_code"),
            sms_code=field("sms_code"),
            language=language(),
            origin=origin(),
        )
    except Refusal as refusal:
        return _page("codes", refusal=refusal)
    response = see_other("/activate/code")
    set_cookie(response, "enrolment", token)
    return response


@blueprint.get("/activate/code")
def code() -> Response:
    """Choose the e-CPS code."""
    return _elsewhere(Step.CODE) or _page("code")


@blueprint.post("/activate/code")
def choose_code() -> Response:
    """Keep it, unless it is easy to guess."""
    try:
        enrolment.choose_code(deployment(), _token(), field("ecps_code"), origin=origin())
    except Refusal as refusal:
        return _page("code", refusal=refusal)
    return _next()


@blueprint.get("/activate/passkey")
def passkey() -> Response:
    """Add a passkey, or go on without."""
    return _elsewhere(Step.PASSKEY) or _page("passkey", name=device_family())


@blueprint.post("/activate/passkey/options")
def passkey_options() -> Response:
    """What the authenticator is asked to make."""
    return jsonify(enrolment.start_passkey(deployment(), _token()))


@blueprint.post("/activate/passkey")
def add_passkey() -> Response:
    """Keep the passkey, or skip the step."""
    dep = deployment()
    try:
        if "skip" in request.form:
            enrolment.skip_passkey(dep, _token())
        else:
            enrolment.finish_passkey(dep, _token(), credential(), name=field("name"), origin=origin())
    except Refusal as refusal:
        return _page("passkey", refusal=refusal, name=field("name"))
    return _next()


@blueprint.get("/activate/totp")
def totp() -> Response:
    """A code app: its secret as QR code and as text."""
    return _elsewhere(Step.TOTP) or _totp()


def _totp(refusal: Refusal | None = None) -> Response:
    offer = enrolment.start_totp(deployment(), _token())
    return _page("totp", refusal=refusal, offer=offer, skippable=_enrolling().has_passkey)


@blueprint.post("/activate/totp")
def confirm_totp() -> Response:
    """The app's first code proves that it holds the secret; a passkey may stand for it."""
    dep = deployment()
    try:
        if "skip" in request.form:
            enrolment.skip_totp(dep, _token())
        else:
            enrolment.confirm_totp(dep, _token(), field("otp"), origin=origin())
    except Refusal as refusal:
        return _totp(refusal)
    return _next()


@blueprint.get("/activate/done")
def done() -> Response:
    """Name this device and finish; afterwards, what was done."""
    if not _token():
        phone = phones.find(reading(), phone_token(), now=now())
        return page("activate_end.html", name=phone.name) if phone else see_other("/activate")
    return _elsewhere(Step.DONE) or _page("done", name=device_family())


@blueprint.post("/activate/done")
def finish() -> Response:
    """The card is active; this browser is the phone."""
    name = field("name") or device_family()
    token = enrolment.finish(deployment(), _token(), phone_name=name, ended=withdrawal.end_sessions, origin=origin())
    response = with_phone(see_other("/activate/done"), token)
    forget_cookie(response, "enrolment")
    return response
