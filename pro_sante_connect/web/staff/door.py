"""Join by an invitation, sign in by passkey, sign out. There is no other way in."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from pro_sante_connect.access import accounts, sessions
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import holders
from pro_sante_connect.web.context import address, deployment, now, origin, reading, writing
from pro_sante_connect.web.devices import device_family
from pro_sante_connect.web.forms import Problem, credential, field, mend
from pro_sante_connect.web.pages import page, see_other
from pro_sante_connect.web.security import browser, forget_cookie, set_cookie
from pro_sante_connect.web.staff.here import session_secret

blueprint = Blueprint("staff_door", __name__)


def _form(problem: Problem | None = None) -> Response:
    status = problem.status if problem else 200
    return page("staff_sign_in.html", status=status, problem=problem, next=_next(), here="/staff/sign-in")


def _next() -> str:
    """A page of ours to go on to."""
    try:
        wanted = urlsplit(request.values.get("next", ""))
    except ValueError:
        return "/staff"
    ours = not wanted.scheme and not wanted.netloc and wanted.path.startswith("/staff")
    return wanted.path if ours and "\\" not in wanted.path and "//" not in wanted.path else "/staff"


@blueprint.get("/staff/sign-in")
def form() -> Response:
    """One button."""
    return _form()


@blueprint.post("/staff/sign-in/options")
def options() -> Response:
    """What the browser asks its authenticators."""
    return jsonify(holders.start_sign_in(deployment(), binding=browser()))


@blueprint.post("/staff/sign-in")
def sign_in() -> Response:
    """The authenticator's answer opens a session of the account it belongs to."""
    dep = deployment()

    def known(credential_id: bytes) -> tuple[bytes, str] | None:
        found = sessions.bearer_of(reading(), credential_id)
        return (found.passkey.public_key, found.account.handle) if found else None

    try:
        key, verified = holders.finish_sign_in(dep, binding=browser(), credential=credential(), known=known)
        with writing() as db:
            bearer = sessions.bearer_of(db, key)
            secret = bearer and sessions.begin(
                db, bearer.passkey.id, sign_count=verified.sign_count, origin=origin(), chance=dep.chance, now=now()
            )
        if not secret:
            raise Refusal("passkey-refused")
    except Refusal as refusal:
        with writing() as db:
            journal.record(
                db, Event.ACCOUNT_REFUSED, "account:unknown", now=now(), origin=origin(), reason=refusal.code
            )
        return _form(mend(refusal))
    response = see_other(_next())
    set_cookie(response, "staff", secret)
    return response


@blueprint.post("/staff/sign-out")
def sign_out() -> Response:
    """The session ends."""
    found = sessions.find(reading(), session_secret(), now=now())
    if found is not None:
        session, account = found
        by = Origin(actor=accounts.subject(account.id), address=address())
        with writing() as db:
            sessions.end(db, session.id, origin=by, now=now())
    response = see_other("/staff/sign-in")
    forget_cookie(response, "staff")
    return response


def _join(token: str, problem: Problem | None = None) -> Response:
    account = accounts.invited(reading(), token, now=now())
    status = problem.status if problem else 200
    name = field("name") or device_family()
    return page("staff_join.html", status=status, problem=problem, account=account, token=token, name=name)


@blueprint.get("/staff/join/<token>")
def join_form(token: str) -> Response:
    """The link of an invitation: make a passkey."""
    return _join(token)


@blueprint.post("/staff/join/<token>/options")
def join_options(token: str) -> Response:
    """What the authenticator is asked to make."""
    account = accounts.invited(reading(), token, now=now())
    return jsonify(holders.start_registration(deployment(), binding=token, handle=account.handle, name=account.email))


@blueprint.post("/staff/join/<token>")
def join(token: str) -> Response:
    """Keep the passkey; the link is spent, and the member signs in with what she just made."""
    accounts.invited(reading(), token, now=now())
    try:
        made = holders.finish_registration(deployment(), binding=token, credential=credential())
        with writing() as db:
            accounts.join(
                db, token, credential_id=made.credential_id, public_key=made.public_key,
                sign_count=made.sign_count, name=field("name"), origin=origin(), now=now(),
            )  # fmt: skip
    except Refusal as refusal:
        return _join(token, mend(refusal))
    return see_other("/staff/sign-in?joined=1")
