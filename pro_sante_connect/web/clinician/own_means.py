"""The own space's sign-in methods: see, rename, withdraw, add a passkey or a phone."""

from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request
from markupsafe import Markup

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means, pairing, passkeys, qr
from pro_sante_connect.ecps.means import Means
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals import withdrawal
from pro_sante_connect.web import browser
from pro_sante_connect.web.clinician.visitor import visitor
from pro_sante_connect.web.context import deployment, now, origin, reading, settings, writing
from pro_sante_connect.web.forms import Problem, credential, field, mend
from pro_sante_connect.web.pages import page, see_other

blueprint = Blueprint("own_means", __name__)

LIST = "/space/means"


@blueprint.get(LIST)
def all_means() -> Response:
    """One card per means."""
    here = visitor()
    mine = means.of(reading(), here.practitioner_id)
    return page("means.html", means=mine, done=request.args.get("done", ""))


def _own(practitioner_id: int, key: str) -> Means:
    found = next((one for one in means.of(reading(), practitioner_id) if one.key == key), None)
    if found is None:
        raise Refusal("means-unknown")
    return found


@blueprint.post(f"{LIST}/<key>/name")
def rename(key: str) -> Response:
    """The person's own word for it."""
    here = visitor(back=LIST)
    by = origin(here.practitioner_id)
    with writing() as db:
        means.rename(db, here.practitioner_id, key, field("name"), origin=by, now=now())
    return see_other(f"{LIST}?done=renamed")


@blueprint.get(f"{LIST}/<key>/withdraw")
def ask_withdraw(key: str) -> Response:
    """Withdraw it? A page, not a dialog."""
    here = visitor(fresh=True)
    return page("means_withdraw.html", one=_own(here.practitioner_id, key))


@blueprint.post(f"{LIST}/<key>/withdraw")
def withdraw(key: str) -> Response:
    """The means and the sessions it opened end together."""
    here = visitor(fresh=True, back=f"{LIST}/{key}/withdraw")
    withdrawal.withdraw(deployment(), here.practitioner_id, key, origin=origin(here.practitioner_id))
    if key == here.means:
        return browser.forget_session(page("signed_out.html", client_name=None, reason="means-withdrawn", here="/"))
    return see_other(f"{LIST}?done=withdrawn")


@blueprint.get(f"{LIST}/passkey")
def new_passkey() -> Response:
    """A passkey on this device."""
    visitor(fresh=True)
    return _passkey_form()


def _passkey_form(problem: Problem | None = None) -> Response:
    status = problem.status if problem else 200
    return page("means_passkey.html", status=status, problem=problem, name=field("name"))


@blueprint.post(f"{LIST}/passkey/options")
def passkey_options() -> Response:
    """What the authenticator is asked to make."""
    here = visitor(fresh=True, back=f"{LIST}/passkey")
    return jsonify(passkeys.start_registration(deployment(), here.practitioner_id, binding=here.id))


@blueprint.post(f"{LIST}/passkey")
def add_passkey() -> Response:
    """Keep it."""
    here = visitor(fresh=True, back=f"{LIST}/passkey")
    by = origin(here.practitioner_id)
    try:
        passkeys.finish_registration(
            deployment(), here.practitioner_id, binding=here.id, credential=credential(), name=field("name"),
            level=Level(here.level), origin=by,
        )  # fmt: skip
    except Refusal as refusal:
        return _passkey_form(mend(refusal))
    return see_other(f"{LIST}?done=added-done")


@blueprint.get(f"{LIST}/phone")
def new_phone() -> Response:
    """A QR code of one use: the browser that opens it becomes a phone."""
    here = visitor(fresh=True)
    life = settings().lifetimes
    with writing() as db:
        person = registry.get(db, here.practitioner_id)
        token = pairing.issue(db, person, chance=deployment().chance, now=now(), lifetimes=life)
    link = f"{settings().issuer.wallet_base}/pair?" + urlencode({"t": token})
    return page("means_phone.html", link=link, drawing=Markup(qr.svg(link)), life=life.pairing)  # noqa: S704 - ours
