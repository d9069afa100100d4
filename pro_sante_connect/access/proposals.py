"""Decisions that take two: proposed by one, closed once by another.

pending ── approve (another person, before it lapses) ── approved
    ├───── refuse  (another person) ──────────────────── refused
    └───── expires_at ────────────────────────────────── lapsed, by the clock alone
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pro_sante_connect.access.models import APPROVED, LAPSED, PENDING, REFUSED, Account, Proposal
from pro_sante_connect.access.permissions import Member
from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.database import insert
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.registry import subject

LIFE = timedelta(days=7)


def write(
    db: Session, kind: str, practitioner_id: int, member: Member, *, part: str, terms: dict[str, Any],
    interim: int | None, origin: Origin, now: datetime,
) -> Proposal:  # fmt: skip
    """Keep a proposal; refuses `proposal-pending` while one of the kind waits for the same part of her."""
    same = (Proposal.practitioner_id == practitioner_id, Proposal.kind == kind, Proposal.part == part)
    over = (Proposal.state == PENDING, Proposal.expires_at <= now)
    db.execute(update(Proposal).where(*same, *over).values(state=LAPSED, closed_at=now))
    made = db.scalars(
        insert(db, Proposal)
        .values(
            kind=kind, practitioner_id=practitioner_id, part=part, terms=terms, interim=interim, author_id=member.id,
            proposed_at=now, expires_at=now + LIFE, state=PENDING, word="",
        )
        .on_conflict_do_nothing()
        .returning(Proposal)
    ).first()  # fmt: skip
    if made is None:
        raise Refusal("proposal-pending")
    journal.record(
        db, Event.PROPOSAL_MADE, subject(practitioner_id), now=now, origin=origin, proposal=made.id, kind=kind,
        reason=str(terms.get("reason", "")),
    )  # fmt: skip
    return made


def pending(db: Session, *, now: datetime) -> list[Proposal]:
    """Those that wait, oldest first."""
    wanted = select(Proposal).where(Proposal.state == PENDING, Proposal.expires_at > now).order_by(Proposal.id)
    return list(db.scalars(wanted))


def get(db: Session, proposal_id: int) -> Proposal:
    """Whatever its state; refuses `proposal-unknown`."""
    found = db.get(Proposal, proposal_id)
    if found is None:
        raise Refusal("proposal-unknown")
    return found


def close(
    db: Session, proposal_id: int, member: Member, *, approve: bool, word: str, origin: Origin, now: datetime
) -> Proposal:
    """Close it, once, by somebody else than its author. Refuses `own-proposal`, `proposal-closed`."""
    author = db.get_one(Account, get(db, proposal_id).author_id)
    # Somebody may have two accounts, one for each authority: she is one person.
    if author.id == member.id or (member.national_id and author.national_id == member.national_id):
        raise Refusal("own-proposal")
    closed = db.scalars(
        update(Proposal)
        .where(
            Proposal.id == proposal_id, Proposal.state == PENDING, Proposal.expires_at > now,
            Proposal.author_id != member.id,
        )
        .values(state=APPROVED if approve else REFUSED, closer_id=member.id, closed_at=now, word=word[:500])
        .returning(Proposal)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).first()  # fmt: skip
    if closed is None:
        raise Refusal("proposal-closed")
    event = Event.PROPOSAL_APPROVED if approve else Event.PROPOSAL_REFUSED
    facts: dict[str, Any] = {"proposal": closed.id, "kind": closed.kind}
    journal.record(db, event, subject(closed.practitioner_id), now=now, origin=origin, **facts)
    return closed
