"""Strike-off, retirement and death end a person's means and sessions with the decision; suspension only closes them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means
from pro_sante_connect.ecps.models import WITHDRAWN, Card
from pro_sante_connect.oidc.models import Session
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Practitioner
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.delivery import deliver_due
from tests.ecps.people import Holder, make_holder
from tests.signals.test_delivery import Relay

STAFF = Origin(actor="staff:agathe")
ENDING: tuple[Callable[..., Any], ...] = (decisions.strike_off, decisions.retire, decisions.record_death)
TWO = json.dumps(
    {"exercices": [{"profession": code, "category": "C", "activites": []} for code in ("10", "60")], "civility": ""}
)


@pytest.fixture
def holder(world: Any) -> Holder:
    """Somebody with an e-CPS and a session, who practises two professions."""
    made = make_holder(world)
    with writing(world.engine) as db:
        db.execute(update(Practitioner).where(Practitioner.id == made.practitioner).values(dossier=TWO))
    proof = Authentication(
        practitioner=made.practitioner, mode=Mode.MOBILE, methods=("pin",), level=Level.EIDAS2,
        means=f"code:{made.card}", at=world.now,
    )  # fmt: skip
    lives = world.dep.settings.lifetimes
    with writing(world.engine) as db:
        sessions.begin(db, proof, former=None, device="", lifetimes=lives, chance=world.chance, now=world.now)
    return made


def decide(holder: Holder, verb: Callable[..., Any], **terms: Any) -> None:
    if verb is decisions.record_death:
        terms.setdefault("evidence", "acte-7")
    with writing(holder.world.engine) as db:
        person = registry.get(db, holder.practitioner)
        practice.decide(db, person, verb, reason="DISC", origin=STAFF, now=holder.world.now, **terms)


def left(holder: Holder) -> tuple[int, int]:
    """How many means and sessions the person has."""
    with reading(holder.world.engine) as db:
        living = db.query(Session).filter(Session.ended_at.is_(None)).count()
        return len(means.of(db, holder.practitioner)), living


def deliver(holder: Holder) -> list[str]:
    relay = Relay()
    while deliver_due(holder.world.dep, relay):
        pass
    return [message.reference for message in relay.sent]


@pytest.mark.parametrize("verb", ENDING)
def test_what_ends_the_practice_ends_the_means_and_reinstating_revives_none(
    holder: Holder, verb: Callable[..., Any]
) -> None:
    assert left(holder) == (2, 1)
    decide(holder, verb)
    assert left(holder) == (0, 0)
    with reading(holder.world.engine) as db:
        assert db.get_one(Card, holder.card).state == WITHDRAWN
        trail = [entry.event for entry in journal.trail(db, f"practitioner:{holder.practitioner}")]
    assert {"practitioner:decided", "card:ended", "session:ended"} <= set(trail)
    holder.world.clock.advance(1)
    decide(holder, decisions.reinstate)
    deliver(holder)
    assert left(holder) == (0, 0)


@pytest.mark.parametrize("verb", [decisions.suspend, decisions.block])
def test_a_suspension_leaves_the_means_for_later(holder: Holder, verb: Callable[..., Any]) -> None:
    decide(holder, verb)
    deliver(holder)
    assert left(holder)[0] == 2
    holder.world.clock.advance(1)
    decide(holder, decisions.reinstate)
    assert left(holder)[0] == 2


def test_a_decision_dated_ahead_ends_them_on_its_day(holder: Holder) -> None:
    decide(holder, decisions.strike_off, effective=holder.world.now + timedelta(days=1))
    deliver(holder)
    assert left(holder) == (2, 1)
    holder.world.clock.advance(86_400)
    deliver(holder)
    assert left(holder) == (0, 0)


def test_reinstating_before_the_worker_came_by_revives_none(holder: Holder) -> None:
    decide(holder, decisions.strike_off, effective=holder.world.now + timedelta(days=1))
    holder.world.clock.advance(86_400)
    decide(holder, decisions.reinstate)
    assert left(holder) == (0, 0)


def test_a_decision_lifted_before_its_note_is_worked_ends_nothing(holder: Holder) -> None:
    decide(holder, decisions.suspend)
    decide(holder, decisions.strike_off, exercice=("10", "C"))
    holder.world.clock.advance(1)
    decide(holder, decisions.reinstate)
    deliver(holder)
    assert left(holder)[0] == 2


def test_one_exercice_of_two_leaves_the_means_and_the_last_one_ends_them(holder: Holder) -> None:
    decide(holder, decisions.strike_off, exercice=("10", "C"))
    decide(holder, decisions.suspend, exercice=("60", "C"))
    assert left(holder)[0] == 2
    decide(holder, decisions.retire, exercice=("60", "C"))
    assert left(holder) == (0, 0)


def test_a_decision_that_is_refused_ends_nothing(holder: Holder) -> None:
    with pytest.raises(Refusal, match="exercice-unknown"):
        decide(holder, decisions.strike_off, exercice=("21", "C"))
    with pytest.raises(Refusal, match="evidence-missing"):
        decide(holder, decisions.record_death, evidence=" ")
    assert left(holder) == (2, 1)


def test_a_death_is_told_to_nobody(holder: Holder) -> None:
    with writing(holder.world.engine) as db:
        db.execute(update(Practitioner).values(contact_email="camille@personnes.example"))
    decide(holder, decisions.record_death)
    assert deliver(holder) == []
