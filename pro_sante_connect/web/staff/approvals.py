"""Decisions that wait for a second person."""

from flask import Blueprint, Response

from pro_sante_connect.access import accounts, proposals
from pro_sante_connect.access.models import Account, Proposal
from pro_sante_connect.access.permissions import Member, Permission, may_on
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import two_signatures
from pro_sante_connect.web.context import now, reading, writing
from pro_sante_connect.web.forms import Problem, field, mend
from pro_sante_connect.web.pages import see_other
from pro_sante_connect.web.staff import here, terms
from pro_sante_connect.web.staff.desk import staff_page

blueprint = Blueprint("staff_approvals", __name__)


@blueprint.get("/staff/approvals")
def waiting() -> Response:
    """All that wait, mine too."""
    mine = here.member(Permission.VIEW)
    rows = [(one, person, _author(one)) for one, person in here.waiting(mine)]
    here.looked(mine, *(person for _, person, _ in rows))
    return staff_page("staff_approvals.html", mine, rows=rows)


def _author(one: Proposal) -> str:
    account = reading().get(Account, one.author_id)
    return account.name if account else ""


def _page(mine: Member, one: Proposal, person: Practitioner, problem: Problem | None = None) -> Response:
    state = "lapsed" if one.state == "pending" and one.expires_at <= now() else one.state
    return staff_page(
        "staff_proposal.html", mine, status=problem.status if problem else 200, problem=problem, one=one,
        person=person, author=_author(one), state=state, why_not=_why_not(mine, one, person),
        gentle=one.kind in terms.GENTLE,
        weighs_on=here.weighs_on(person, one.terms), days=two_signatures.days(one), here=f"/staff/approvals/{one.id}",
    )  # fmt: skip


def _why_not(mine: Member, one: Proposal, person: Practitioner) -> str:
    """Why this member is not the second person, or an empty text."""
    if one.author_id == mine.id:
        return "own-proposal"
    return may_on(mine, Permission.APPROVE, person.national_id, here.weighed(person, one.terms))


@blueprint.get("/staff/approvals/<int:proposal_id>")
def show(proposal_id: int) -> Response:
    """Who proposes what, on what evidence."""
    mine = here.member(Permission.VIEW)
    one = proposals.get(reading(), proposal_id)
    person = here.person(mine, one.practitioner_id)
    here.looked(mine, person)
    return _page(mine, one, person)


@blueprint.post("/staff/approvals/<int:proposal_id>")
def close(proposal_id: int) -> Response:
    """The second signature, or a refusal with its reason."""
    mine = here.member(Permission.VIEW)
    one = proposals.get(reading(), proposal_id)
    person = here.person(mine, one.practitioner_id)
    reason = _why_not(mine, one, person)
    if reason:
        raise Refusal("not-permitted" if reason == "role-missing" else reason)
    approve = field("answer") == "approve"
    verb = two_signatures.approve if approve else two_signatures.refuse
    try:
        with writing() as db:
            accounts.hold(db, mine)
            verb(db, proposal_id, mine, word=field("word"), origin=here.origin(mine), now=now())
    except Refusal as refusal:
        return _page(mine, one, person, mend(refusal))
    return see_other(f"/staff/people/{person.id}?done={'approved' if approve else 'refused'}")
