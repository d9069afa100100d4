"""What staff decide: the row, its journal entry, its note, and what it does to the person."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.status import Status, may_sign_in, status, unbroken
from tests.rpps.files import activites, dossier, load, notes, person, row, write
from tests.world import World

STAFF = Origin(actor="staff:agathe")
HOUR = 3600


@pytest.fixture
def registered(world: World, tmp_path: Path) -> World:
    """Person 1 has two activities of one exercice and one of another; person 2 has one."""
    rows = [row(1), row(1, mode="L"), row(1, profession="50"), row(2)]
    assert load(world, write(tmp_path, rows)).state == "published"
    world.clock.advance(HOUR)
    return world


def decide(world: World, verb: Callable[..., Any], *arguments: Any, index: int = 1, **terms: Any) -> Any:
    facts = {"reason": "DISC", "origin": STAFF, "now": world.now} | terms
    with writing(world.engine) as db:
        return verb(db, registry.get(db, person(world, index).id), *arguments, **facts)


def refused(world: World, verb: Callable[..., Any], *arguments: Any, **terms: Any) -> str:
    before = notes(world), journal(world)
    with pytest.raises(Refusal) as problem:
        decide(world, verb, *arguments, **terms)
    assert (notes(world), journal(world)) == before
    return problem.value.code


def standing_now(world: World, index: int = 1) -> tuple[Status, bool]:
    with reading(world.engine) as db:
        standing = registry.standing(db, person(world, index).id)
    return status(standing, now=world.now), may_sign_in(standing, now=world.now)


def open_now(world: World, index: int = 1) -> list[tuple[str, str]]:
    with reading(world.engine) as db:
        found = registry.open_activites(db, person(world, index).id, now=world.now)
        return [(one.profession, one.facts["mode"]) for one in found]


def journal(world: World) -> list[tuple[str, str, str]]:
    with reading(world.engine) as db:
        rows = db.scalars(select(Entry).order_by(Entry.id)).all()
        return [(one.event, one.subject, one.actor) for one in rows if one.subject.startswith("practitioner:")]


@pytest.mark.parametrize(
    ("verb", "outcome"),
    [
        (decisions.suspend, Status.SUSPENDED),
        (decisions.strike_off, Status.STRUCK_OFF),
        (decisions.retire, Status.RETIRED),
        (decisions.record_death, Status.DECEASED),
    ],
)
def test_a_decision_stops_the_person_is_journalled_and_told(
    registered: World, verb: Callable[..., Any], outcome: Status
) -> None:
    assert standing_now(registered) == (Status.REGISTERED, True)
    made = decide(registered, verb, authority="CNOM", evidence="lettre", note="vu")
    subject = f"practitioner:{person(registered).id}"
    assert standing_now(registered) == (outcome, False)
    assert open_now(registered) == []
    assert standing_now(registered, 2) == (Status.REGISTERED, True)
    assert journal(registered) == [(Event.PRACTITIONER_DECIDED.value, subject, "staff:agathe")]
    facts = {"decision": made.id, "kind": made.kind, "scope": "person"}
    assert notes(registered) == [("practitioner:status-changed", subject, facts)]
    with reading(registered.engine) as db:
        [kept] = decisions.of(db, person(registered).id)
    assert (kept.author, kept.authority, kept.evidence, kept.note) == ("staff:agathe", "CNOM", "lettre", "vu")


def test_a_suspension_with_an_end_ends_by_itself(registered: World) -> None:
    decide(registered, decisions.suspend, until=registered.now + timedelta(hours=2))
    registered.clock.advance(2 * HOUR - 1)
    assert standing_now(registered) == (Status.SUSPENDED, False)
    registered.clock.advance(1)
    assert standing_now(registered) == (Status.REGISTERED, True)


def test_a_decision_for_later_waits_and_so_does_its_note(registered: World) -> None:
    effective = registered.now + timedelta(hours=2)
    decide(registered, decisions.strike_off, effective=effective)
    assert standing_now(registered) == (Status.REGISTERED, True)
    with reading(registered.engine) as db:
        assert db.scalars(select(OutboxNote.due_at)).one() == effective
    registered.clock.advance(2 * HOUR)
    assert standing_now(registered) == (Status.STRUCK_OFF, False)


def test_a_limit_allows_until_its_date_and_blocks_from_then_on(registered: World) -> None:
    end = registered.now + timedelta(hours=2)
    decide(registered, decisions.limit, until=end)
    with reading(registered.engine) as db:
        assert db.scalars(select(OutboxNote.due_at)).one() == end
    registered.clock.advance(2 * HOUR - 1)
    assert standing_now(registered) == (Status.REGISTERED, True)
    registered.clock.advance(1)
    assert standing_now(registered) == (Status.SUSPENDED, False)
    registered.clock.advance(10_000 * HOUR)
    assert standing_now(registered) == (Status.SUSPENDED, False)
    assert refused(registered, decisions.limit, until=registered.now - timedelta(seconds=1)) == "effective-past"


def test_a_limit_may_weigh_on_one_exercice(registered: World) -> None:
    decide(registered, decisions.limit, until=registered.now + timedelta(hours=2), exercice=("60", "C"))
    assert len(open_now(registered)) == 3
    registered.clock.advance(2 * HOUR)
    assert open_now(registered) == [("50", "S")]


def test_a_security_block_falls_after_three_days(registered: World) -> None:
    decide(registered, decisions.block)
    registered.clock.advance(72 * HOUR - 1)
    assert standing_now(registered) == (Status.SUSPENDED, False)
    registered.clock.advance(1)
    assert standing_now(registered) == (Status.REGISTERED, True)


def test_a_death_needs_its_evidence(registered: World) -> None:
    assert refused(registered, decisions.record_death, evidence=" ") == "evidence-missing"


def test_a_decision_on_one_activity_leaves_the_others_open(registered: World) -> None:
    stopped = activites(registered)[0]["id"]
    decide(registered, decisions.suspend, activite=stopped)
    assert open_now(registered) == [("60", "L"), ("50", "S")]
    assert standing_now(registered) == (Status.REGISTERED, True)
    assert notes(registered)[-1][2]["activite"] == stopped


def test_a_decision_on_one_exercice_stops_its_activities_only(registered: World) -> None:
    decide(registered, decisions.strike_off, exercice=("60", "C"))
    assert open_now(registered) == [("50", "S")]
    assert standing_now(registered) == (Status.REGISTERED, True)
    decide(registered, decisions.suspend, exercice=("50", "C"))
    assert standing_now(registered) == (Status.STRUCK_OFF, False)


def test_reinstating_lifts_everything_in_force_but_revives_no_session(registered: World) -> None:
    since = registered.now
    registered.clock.advance(HOUR)
    made = [decide(registered, verb).id for verb in (decisions.suspend, decisions.strike_off)]
    registered.clock.advance(HOUR)
    assert decide(registered, decisions.reinstate) == made
    assert standing_now(registered) == (Status.REGISTERED, True)
    assert notes(registered)[-1][2] == {"kind": "reinstatement", "lifted": made, "scope": "person"}
    with reading(registered.engine) as db:
        standing = registry.standing(db, person(registered).id)
        assert [one.lifted_by for one in decisions.of(db, person(registered).id)] == ["staff:agathe"] * 2
    assert not unbroken(standing, since=since, now=registered.now)
    assert unbroken(standing, since=registered.now, now=registered.now)


def test_reinstating_spares_what_is_past_to_come_or_of_another(registered: World) -> None:
    decide(registered, decisions.suspend, index=2)
    decide(registered, decisions.suspend, until=registered.now + timedelta(hours=1))
    decide(registered, decisions.suspend, effective=registered.now + timedelta(hours=3))
    registered.clock.advance(HOUR)
    assert refused(registered, decisions.reinstate) == "not-suspended"
    assert standing_now(registered, 2) == (Status.SUSPENDED, False)


def test_an_activity_ended_by_staff_leaves_the_record_and_is_told(registered: World) -> None:
    ended = activites(registered)[1]["id"]
    decide(registered, decisions.end_activite, ended)
    subject = f"practitioner:{person(registered).id}"
    assert open_now(registered) == [("60", "S"), ("50", "S")]
    assert ended not in [one["id"] for one in activites(registered)]
    assert journal(registered) == [(Event.ACTIVITE_ENDED.value, subject, "staff:agathe")]
    assert notes(registered) == [("activite:ended", subject, {"activite": ended, "by": "staff"})]
    assert refused(registered, decisions.end_activite, ended) == "activite-ended"


def test_no_file_opens_again_what_staff_ended(registered: World, tmp_path: Path) -> None:
    ended = activites(registered)[1]["id"]
    decide(registered, decisions.end_activite, ended)
    rows = [row(1, legal_name="AILLEURS"), row(1, mode="L", legal_name="AILLEURS"), row(1, profession="50"), row(2)]
    load(registered, write(tmp_path, rows), lenient=True)
    assert open_now(registered) == [("60", "S"), ("50", "S")]
    assert activites(registered)[0]["structure"]["legal_name"] == "AILLEURS"


def test_no_load_lifts_a_decision(registered: World, tmp_path: Path) -> None:
    stopped = activites(registered)[0]["id"]
    decide(registered, decisions.suspend, activite=stopped)
    decide(registered, decisions.suspend, index=2)
    load(registered, write(tmp_path / "a", [row(1, mode="L"), row(1, profession="50")]), lenient=True)
    load(registered, write(tmp_path / "b", [row(1), row(1, mode="L"), row(1, profession="50"), row(2)]), lenient=True)
    assert standing_now(registered, 2) == (Status.SUSPENDED, False)
    # The same activity came back as a new row: it is as stopped as it was.
    assert ("60", "S") not in open_now(registered)
    assert [one["mode"] for one in dossier(registered)["exercices"][0]["activites"]] == ["L", "S"]


@pytest.mark.parametrize("verb", [decisions.suspend, decisions.reinstate])
def test_a_decision_needs_a_reason(registered: World, verb: Callable[..., Any]) -> None:
    assert refused(registered, verb, reason="  ") == "reason-missing"
    assert refused(registered, decisions.end_activite, 1, reason="") == "reason-missing"


def test_a_decision_never_begins_in_the_past_nor_ends_before_it_begins(registered: World) -> None:
    now, second = registered.now, timedelta(seconds=1)
    assert refused(registered, decisions.suspend, effective=now - second) == "effective-past"
    assert refused(registered, decisions.suspend, until=now) == "until-past"
    late = now + 2 * second
    assert refused(registered, decisions.suspend, effective=late, until=late) == "until-past"
    decide(registered, decisions.suspend, effective=now, until=now + second)


def test_a_decision_weighs_only_on_what_the_person_has(registered: World) -> None:
    of_another = activites(registered, 2)[0]["id"]
    assert refused(registered, decisions.suspend, activite=of_another) == "activite-unknown"
    assert refused(registered, decisions.suspend, activite=10**9) == "activite-unknown"
    assert refused(registered, decisions.suspend, exercice=("10", "C")) == "exercice-unknown"
    assert refused(registered, decisions.end_activite, of_another) == "activite-unknown"


def test_the_journal_says_which_contact_changed_and_not_to_what(registered: World) -> None:
    mail, phone = "rose@courriel.example", "0639980001"
    for given in ((mail, ""), (mail, phone), (mail, phone)):
        contact: dict[str, Any] = {"email": given[0], "phone": given[1], "origin": STAFF, "now": registered.now}
        with writing(registered.engine) as db:
            found = registry.get(db, person(registered).id)
            registry.set_contact(db, found, **contact)
            assert (found.contact_email, found.contact_phone) == given
    assert (person(registered).contact_email, person(registered).contact_phone) == (mail, phone)
    assert (
        journal(registered)
        == [(Event.PRACTITIONER_CONTACT_CHANGED.value, f"practitioner:{person(registered).id}", "staff:agathe")] * 3
    )
    with reading(registered.engine) as db:
        entries = db.scalars(select(Entry).order_by(Entry.id.desc()).limit(3)).all()
    assert [entry.facts for entry in entries] == [{"changed": []}, {"changed": ["phone"]}, {"changed": ["email"]}]
