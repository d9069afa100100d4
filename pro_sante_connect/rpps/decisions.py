"""What staff decide: row, journal entry and outbox note in the caller's transaction.

A decision bites by comparing its dates with the time; a future one needs no job, only its note waits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import outbox
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.statement import within
from pro_sante_connect.rpps.models import Activite, Decision, Practitioner
from pro_sante_connect.rpps.postings import Postings
from pro_sante_connect.rpps.registry import dossier, standing_of, subject
from pro_sante_connect.rpps.status import Kind, Scope, may_sign_in

BLOCK = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every decision may say beside its reason. Without scope it weighs on the person."""

    authority: str = ""
    evidence: str = ""
    note: str = ""
    effective: datetime | None = None
    until: datetime | None = None
    activite: int | None = None
    exercice: tuple[str, str] | None = None


def suspend(
    db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime, **terms: Any
) -> Decision:
    """Stop a person, an exercice or an activity, `until` then or until lifted. `terms`: see `Terms`."""
    return _decide(db, practitioner, Kind.SUSPENSION, Terms(**terms), reason=reason, origin=origin, now=now)


def strike_off(
    db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime, **terms: Any
) -> Decision:
    """Strike a person (or one exercice) off the roll."""
    return _decide(db, practitioner, Kind.STRIKE_OFF, Terms(**terms), reason=reason, origin=origin, now=now)


def retire(
    db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime, **terms: Any
) -> Decision:
    """The person left practice."""
    return _decide(db, practitioner, Kind.RETIREMENT, Terms(**terms), reason=reason, origin=origin, now=now)


def record_death(
    db: Session, practitioner: Practitioner, *, reason: str, evidence: str, origin: Origin, now: datetime, **terms: Any
) -> Decision:
    """The person died; refuses `evidence-missing`."""
    if not evidence.strip():
        raise Refusal("evidence-missing")
    chosen = Terms(evidence=evidence, **terms)
    return _decide(db, practitioner, Kind.DEATH, chosen, reason=reason, origin=origin, now=now)


def limit(
    db: Session,
    practitioner: Practitioner,
    *,
    until: datetime,
    reason: str,
    origin: Origin,
    now: datetime,
    **terms: Any,
) -> Decision:
    """An authorisation or licence of limited time: it allows `until` then, and blocks from then on."""
    chosen = Terms(effective=until, **terms)
    return _decide(db, practitioner, Kind.LIMIT, chosen, reason=reason, origin=origin, now=now)


def block(
    db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime, **terms: Any
) -> Decision:
    """Stop a person in a hurry; it falls by itself unless a decision takes its place."""
    chosen = Terms(until=now + BLOCK, **terms)
    return _decide(db, practitioner, Kind.SECURITY_BLOCK, chosen, reason=reason, origin=origin, now=now)


def _decide(
    db: Session,
    practitioner: Practitioner,
    kind: Kind,
    terms: Terms,
    *,
    reason: str,
    origin: Origin,
    now: datetime,
) -> Decision:
    judge(db, practitioner, terms, reason=reason, now=now)
    scope = Scope.ACTIVITE if terms.activite else Scope.EXERCICE if terms.exercice else Scope.PERSON
    profession, category = terms.exercice or (None, None)
    effective = terms.effective or now
    decision = Decision(
        practitioner_id=practitioner.id,
        kind=kind.value,
        scope=scope.value,
        profession=profession,
        category=category,
        activite_id=terms.activite,
        blocks_from=effective,
        blocks_until=terms.until,
        reason=reason,
        authority=terms.authority,
        evidence=terms.evidence,
        note=terms.note,
        author=origin.actor,
        recorded_at=now,
    )
    db.add(decision)
    db.flush()
    facts: dict[str, Any] = {"decision": decision.id, "kind": kind.value, "scope": scope.value}
    journal.record(
        db, Event.PRACTITIONER_DECIDED, subject(practitioner.id), now=now, origin=origin,
        reason=reason, authority=terms.authority, **facts,
    )  # fmt: skip
    if terms.activite:
        facts["activite"] = terms.activite
    _note(db, practitioner, facts, now=now, due_at=effective)
    if terms.until is not None:  # that it is over must be told too
        _note(db, practitioner, facts | {"kind": "lapsed"}, now=now, due_at=terms.until)
    return decision


def _note(
    db: Session, practitioner: Practitioner, facts: dict[str, Any], *, now: datetime, due_at: datetime | None = None
) -> None:
    about = subject(practitioner.id)
    outbox.write(db, "practitioner:status-changed", about, now=now, facts=facts, due_at=due_at)


def judge(db: Session, practitioner: Practitioner, terms: Terms, *, reason: str, now: datetime) -> None:
    """Whether it can be decided so; refuses `reason-missing`, `effective-past`, `until-past`, `activite-unknown`,
    `exercice-unknown`."""
    if not reason.strip():
        raise Refusal("reason-missing")
    # A decision dated in the past would judge tokens already used.
    if terms.effective is not None and terms.effective < now:
        raise Refusal("effective-past")
    if terms.until is not None and terms.until <= (terms.effective or now):
        raise Refusal("until-past")
    if terms.activite is not None:
        _own_activite(db, practitioner, terms.activite)
    elif terms.exercice is not None:
        held = {(exercice["profession"], exercice["category"]) for exercice in dossier(practitioner)["exercices"]}
        if terms.exercice not in held:
            raise Refusal("exercice-unknown")


def _own_activite(db: Session, practitioner: Practitioner, activite_id: int) -> Activite:
    found = db.get(Activite, activite_id)
    if found is None or found.practitioner_id != practitioner.id:
        raise Refusal("activite-unknown")
    return found


def reinstate(db: Session, practitioner: Practitioner, *, reason: str, origin: Origin, now: datetime) -> list[int]:
    """Lift every decision in force; refuses `not-suspended` when there is none. Nothing old revives."""
    if not reason.strip():
        raise Refusal("reason-missing")
    stopped = not may_sign_in(standing_of(db, practitioner), now=now)
    lifted = db.scalars(
        update(Decision)
        .where(
            Decision.practitioner_id == practitioner.id,
            Decision.lifted_at.is_(None),
            Decision.blocks_from <= now,
            or_(Decision.blocks_until.is_(None), Decision.blocks_until > now),
        )
        .values(lifted_at=now, lifted_by=origin.actor)
        .returning(Decision.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not lifted:
        raise Refusal("not-suspended")
    decisions = sorted(lifted)
    facts: dict[str, Any] = {"kind": "reinstatement", "lifted": decisions, "scope": _scope(stopped)}
    journal.record(
        db,
        Event.PRACTITIONER_DECIDED,
        subject(practitioner.id),
        now=now,
        origin=origin,
        reason=reason,
        **facts,
    )
    _note(db, practitioner, facts, now=now)
    return decisions


def lift(
    db: Session, practitioner: Practitioner, decision_id: int, *, reason: str, origin: Origin, now: datetime
) -> bool:
    """Lift one decision, if it is in force; the others stand. True for the one caller that did."""
    stopped = not may_sign_in(standing_of(db, practitioner), now=now)
    lifted = db.scalars(
        update(Decision)
        .where(
            Decision.id == decision_id,
            Decision.practitioner_id == practitioner.id,
            Decision.lifted_at.is_(None),
            or_(Decision.blocks_until.is_(None), Decision.blocks_until > now),
        )
        .values(lifted_at=now, lifted_by=origin.actor)
        .returning(Decision.id)
        .execution_options(synchronize_session=False)
    ).first()
    if lifted is None:
        return False
    facts: dict[str, Any] = {"kind": "reinstatement", "lifted": [lifted], "scope": _scope(stopped)}
    journal.record(
        db, Event.PRACTITIONER_DECIDED, subject(practitioner.id), now=now, origin=origin, reason=reason, **facts
    )
    _note(db, practitioner, facts, now=now)
    return True


def _scope(stopped: bool) -> str:
    """The person was restored, or only a part of what she does."""
    return (Scope.PERSON if stopped else Scope.ACTIVITE).value


def end_activite(
    db: Session, practitioner: Practitioner, activite_id: int, *, reason: str, origin: Origin, now: datetime
) -> None:
    """End one activity for good: no file opens it again. Refuses `activite-unknown`, `activite-ended`."""
    if not reason.strip():
        raise Refusal("reason-missing")
    activite = _own_activite(db, practitioner, activite_id)
    # Locked first, as a load does: it may be rewriting the same dossier.
    text = db.scalars(select(Practitioner.dossier).where(Practitioner.id == practitioner.id).with_for_update()).one()
    ended = db.scalars(
        update(Activite)
        .where(Activite.id == activite.id, Activite.ended_at.is_(None))
        .values(ended_at=now, closed=True)
        .returning(Activite.id)
        .execution_options(synchronize_session=False)
    ).first()
    if ended is None:
        raise Refusal("activite-ended")
    facts, before = orjson.loads(text), orjson.loads(text)
    for exercice in facts["exercices"]:
        exercice["activites"] = [open_ for open_ in exercice["activites"] if open_["id"] != activite_id]
    practitioner.dossier = orjson.dumps(facts).decode()
    practitioner.changed_at = now
    postings, absent = Postings(within(db)), practitioner.absent_since is not None
    postings.change(practitioner.id, before, facts, was_absent=absent, absent=absent)
    postings.close()
    journal.record(
        db, Event.ACTIVITE_ENDED, subject(practitioner.id), now=now, origin=origin,
        activite=activite_id, reason=reason,
    )  # fmt: skip
    outbox.write(
        db,
        "activite:ended",
        subject(practitioner.id),
        now=now,
        facts={"activite": activite_id, "by": "staff"},
    )


def in_force(one: Decision, *, now: datetime) -> bool:
    """It blocks at that moment."""
    return one.blocks_from <= now and all(end is None or now < end for end in (one.blocks_until, one.lifted_at))


def of(db: Session, practitioner_id: int) -> list[Decision]:
    """Every decision about a person, oldest first."""
    return list(db.scalars(select(Decision).where(Decision.practitioner_id == practitioner_id).order_by(Decision.id)))
