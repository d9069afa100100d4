"""Members: invite, give and take roles, retire."""

from flask import Blueprint, Response, request

from pro_sante_connect.access import accounts
from pro_sante_connect.access.accounts import Invited
from pro_sante_connect.access.permissions import Member, Permission, Role
from pro_sante_connect.access.scope import AUTHORITIES
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.signals import invitations
from pro_sante_connect.web.context import deployment, now, reading, settings, writing
from pro_sante_connect.web.forms import Problem, field, mend
from pro_sante_connect.web.language import language
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.staff import here
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_members", __name__)


def _page(mine: Member, problem: Problem | None = None) -> Response:
    return staff_page(
        "staff_members.html", mine, status=problem.status if problem else 200, problem=problem,
        members=accounts.every(reading()), roles=[one.value for one in Role], authorities=AUTHORITIES,
        given=request.form, done=request.args.get("done", ""), here="/staff/members",
    )  # fmt: skip


@blueprint.get("/staff/members")
def members() -> Response:
    """Who has which role within which scope."""
    return _page(here.member(Permission.MEMBERS))


@blueprint.post("/staff/members")
def invite() -> Response:
    """A new account with one role; the link goes to its own address, not to whoever invites."""
    mine = here.member(Permission.MEMBERS)
    by = here.origin(mine)
    try:
        with writing() as db:
            made: Invited = accounts.invite(
                db, email=field("email"), name=field("name"), national_id=field("national_id"), origin=by,
                chance=deployment().chance, now=now(),
            )  # fmt: skip
            accounts.grant(
                db, made.account.id, field("role"), authorities=request.form.getlist("authority"),
                departments=field("departments").upper().split(), structures=request.form.get("structures", "").split(),
                origin=by, now=now(),
            )  # fmt: skip
            invitations.send(
                db, made, base=settings().issuer.wallet_base, language=language(), vault=deployment().vault, now=now()
            )
    except Refusal as refusal:
        return _page(mine, mend(refusal))
    return see_other("/staff/members?done=invited")


@blueprint.post("/staff/members/<int:account_id>/link")
def link(account_id: int) -> Response:
    """Another link, for a lost passkey."""
    mine = here.member(Permission.MEMBERS)
    with writing() as db:
        account = accounts.get(db, account_id)
        made = accounts.invite(
            db, email=account.email, name=account.name, origin=here.origin(mine), chance=deployment().chance, now=now()
        )
        invitations.send(
            db, made, base=settings().issuer.wallet_base, language=language(), vault=deployment().vault, now=now()
        )
    return see_other("/staff/members?done=invited")


@blueprint.post("/staff/members/<int:account_id>/retire")
def retire(account_id: int) -> Response:
    """Nothing of it opens anything any more."""
    mine = here.member(Permission.MEMBERS)
    if account_id == mine.id:
        raise Refusal("own-account")
    try:
        with writing() as db:
            accounts.retire(db, account_id, origin=here.origin(mine), now=now())
    except Refusal as refusal:
        return _page(mine, mend(refusal))
    return see_other("/staff/members?done=retired")


@blueprint.post("/staff/grants/<int:grant_id>/end")
def end_grant(grant_id: int) -> Response:
    """Take one role back."""
    mine = here.member(Permission.MEMBERS)
    try:
        with writing() as db:
            accounts.end_grant(db, grant_id, origin=here.origin(mine), now=now())
    except Refusal as refusal:
        return _page(mine, mend(refusal))
    return see_other("/staff/members?done=role-ended")
