"""What staff decide in the console: alone where one signature does, else proposed, then approved or refused.

A proposed suspension, strike-off or death suspends at once, until the proposal lapses: the harm of waiting is worse
than the harm of a week. Approving carries the decision out; refusing lifts the interim suspension. So no one person
restores anybody, and what nobody confirmed falls by itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pro_sante_connect.access import proposals
from pro_sante_connect.access.models import Proposal
from pro_sante_connect.access.permissions import Member
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.models import microseconds, moment
from pro_sante_connect.ecps import card
from pro_sante_connect.rpps import decisions, protection, registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.withdrawal import end_sessions


def _end_activite(
    db: Session, practitioner: Practitioner, *, activite: int, reason: str, origin: Origin, now: datetime
) -> None:
    decisions.end_activite(db, practitioner, activite, reason=reason, origin=origin, now=now)


ALONE: dict[str, Callable[..., Any]] = {
    "retirement": decisions.retire, "limit": decisions.limit, "security-block": decisions.block,
    "activity-end": _end_activite,
}  # fmt: skip


def _reset_means(db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime) -> None:
    """The e-CPS ends with its means and sessions; the person activates another. `reason` stands in the proposal."""
    card.withdraw(db, practitioner.id, ended=end_sessions, origin=origin, now=now)


TOGETHER: dict[str, Callable[..., Any]] = {
    "suspension": decisions.suspend, "strike-off": decisions.strike_off, "death": decisions.record_death,
    "reinstatement": decisions.reinstate, "means-reset": _reset_means,
    "protection": protection.protect, "protection-end": protection.lift,
}  # fmt: skip
SUSPENDS_AT_ONCE = ("suspension", "strike-off", "death")
KINDS = (*TOGETHER, *ALONE)
_MOMENTS = ("effective", "until")


def decide(
    db: Session, practitioner: Practitioner, kind: str, member: Member, *, origin: Origin, now: datetime, **terms: Any
) -> Proposal | None:
    """Carry out what one signature does, or propose: the proposal, or None. Refuses as `rpps.decisions` does, and
    `proposal-pending`."""
    if kind not in KINDS:
        raise Refusal("decision-unknown")
    judge(db, practitioner, kind, now=now, **terms)
    if kind in ALONE:
        practice.decide(db, practitioner, ALONE[kind], origin=origin, now=now, **terms)
        return None
    interim = None
    if kind in SUSPENDS_AT_ONCE and (terms.get("effective") or now) <= now:
        weight = {name: terms[name] for name in ("exercice", "activite") if terms.get(name)}
        until = min(now + proposals.LIFE, terms.get("until") or now + proposals.LIFE)
        made = practice.decide(
            db, practitioner, decisions.suspend, origin=origin, now=now, reason=terms["reason"],
            authority=terms.get("authority", ""), until=until, **weight,
        )  # fmt: skip
        interim = made.id
    return proposals.write(
        db,
        kind,
        practitioner.id,
        member,
        part=_part(terms),
        terms=_kept(terms),
        interim=interim,
        origin=origin,
        now=now,
    )


def judge(db: Session, practitioner: Practitioner, kind: str, *, reason: str, now: datetime, **terms: Any) -> None:
    """What carrying it out would be refused for, before anybody signs: as `rpps.decisions.judge`, and
    `evidence-missing`, `until-missing`, `already-protected`, `not-protected`."""
    decisions.judge(db, practitioner, decisions.Terms(**terms), reason=reason, now=now)
    if kind == "death" and not terms.get("evidence", "").strip():
        raise Refusal("evidence-missing")
    if kind == "limit" and terms.get("until") is None:
        raise Refusal("until-missing")
    if kind in ("protection", "protection-end"):
        protection.judge(practitioner, protected=kind == "protection")
    if kind == "activity-end" and terms.get("activite") is None:
        raise Refusal("activite-unknown")


def approve(db: Session, proposal_id: int, member: Member, *, word: str, origin: Origin, now: datetime) -> Proposal:
    """The second signature. Refuses `own-proposal`, `proposal-closed`, `proposal-overtaken`, and what the verb does."""
    closed = proposals.close(db, proposal_id, member, approve=True, word=word, origin=origin, now=now)
    terms = _told(closed.terms)
    if terms.get("effective") is not None and terms["effective"] < now:
        terms["effective"] = None  # its day came while it waited
    person = registry.get(db, closed.practitioner_id)
    if closed.kind == "reinstatement" and _overtaken(db, closed, now):
        raise Refusal("proposal-overtaken")
    practice.decide(db, person, TOGETHER[closed.kind], origin=origin, now=now, **terms)
    return closed


def _overtaken(db: Session, reinstatement: Proposal, now: datetime) -> bool:
    """Somebody decided since: its author did not sign for lifting that."""
    return any(
        one.recorded_at > reinstatement.proposed_at and decisions.in_force(one, now=now)
        for one in decisions.of(db, reinstatement.practitioner_id)
    )


def refuse(db: Session, proposal_id: int, member: Member, *, word: str, origin: Origin, now: datetime) -> Proposal:
    """It shall not be; the interim suspension is lifted. Refuses `word-missing`, `own-proposal`, `proposal-closed`."""
    if not word.strip():
        raise Refusal("word-missing")
    closed = proposals.close(db, proposal_id, member, approve=False, word=word, origin=origin, now=now)
    if closed.interim is not None:
        person = registry.get(db, closed.practitioner_id)
        decisions.lift(db, person, closed.interim, reason="proposal-refused", origin=origin, now=now)
    return closed


def days(proposal: Proposal) -> dict[str, datetime]:
    """From when and until when it would be in force, as far as it says so."""
    return {name: moment(proposal.terms[name]) for name in _MOMENTS if name in proposal.terms}


def _part(terms: dict[str, Any]) -> str:
    if terms.get("activite"):
        return f"activite:{terms['activite']}"
    return "exercice:" + "/".join(terms["exercice"]) if terms.get("exercice") else ""


def _kept(terms: dict[str, Any]) -> dict[str, Any]:
    return {
        name: microseconds(value) if name in _MOMENTS else value
        for name, value in terms.items()
        if value not in (None, "")
    }


def _told(kept: dict[str, Any]) -> dict[str, Any]:
    terms: dict[str, Any] = {name: moment(value) if name in _MOMENTS else value for name, value in kept.items()}
    if "exercice" in terms:
        terms["exercice"] = tuple(terms["exercice"])
    return terms
