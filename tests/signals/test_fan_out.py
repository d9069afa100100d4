"""What follows from a note: plain words to the person, sessions that end."""

from datetime import timedelta

import pytest

from pro_sante_connect.access.permissions import Member
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import decisions, registry, status
from pro_sante_connect.signals import two_signatures
from pro_sante_connect.signals.delivery import deliver_due
from pro_sante_connect.signals.fan_out import person_of
from tests.access.test_two_signatures import members
from tests.signals.people import note, notes, practitioner
from tests.signals.test_delivery import Relay
from tests.world import World


def told(world: World) -> list[str]:
    """Subjects of the mails that reach the person, until nothing is due."""
    relay = Relay()
    while deliver_due(world.dep, relay):
        pass
    return [message.subject.replace("\u00a0", " ") for message in relay.sent]


def suspend(world: World, person: int, **terms: object) -> None:
    with writing(world.engine) as db:
        decisions.suspend(db, registry.get(db, person), reason="order-2030-7", origin=SYSTEM, now=world.now, **terms)


def test_a_suspended_person_is_told_without_the_reason(world: World) -> None:
    suspend(world, practitioner(world))
    relay = Relay()
    while deliver_due(world.dep, relay):
        pass
    (message,) = relay.sent
    assert message.subject.replace("\u00a0", " ") == "Connexion Santé : votre accès est arrêté"
    assert "order-2030-7" not in message.body
    assert "votre autorité d’enregistrement" in message.body


def test_a_future_suspension_is_told_when_it_bites(world: World) -> None:
    suspend(world, practitioner(world), effective=world.now + timedelta(days=2))
    assert told(world) == []
    world.clock.advance(2 * 86_400)
    assert told(world) == ["Connexion Santé : votre accès est arrêté"]


def test_a_suspension_lifted_before_it_was_told_is_told_once_as_restored(world: World) -> None:
    person = practitioner(world)
    suspend(world, person)
    with writing(world.engine) as db:
        decisions.reinstate(db, registry.get(db, person), reason="mistake", origin=SYSTEM, now=world.clock.advance(1))
    assert told(world) == ["Connexion Santé : votre accès est rétabli"]


def test_a_change_of_contact_is_told_to_the_former_mail_and_mobile(world: World) -> None:
    person = practitioner(world, email="former@personnes.example")
    for email, phone in (("former@personnes.example", "0639980001"), ("new@personnes.example", "0639980002")):
        with writing(world.engine) as db:
            known = registry.get(db, person)
            registry.set_contact(db, known, email=email, phone=phone, origin=SYSTEM, now=world.now)
    relay = Relay()
    while deliver_due(world.dep, relay):
        pass
    # the first mobile beside a known mail, then both anew
    assert [(one.channel, one.recipient) for one in relay.sent] == [
        ("mail", "former@personnes.example"), ("mail", "former@personnes.example"), ("sms", "0639980001"),
    ]  # fmt: skip
    assert all("new@" not in one.body and "0639980002" not in one.body for one in relay.sent)


def test_nobody_writes_to_the_dead(world: World) -> None:
    person = practitioner(world)
    with writing(world.engine) as db:
        dead = registry.get(db, person)
        decisions.record_death(db, dead, reason="DCD", evidence="acte-7", origin=SYSTEM, now=world.now)
    assert told(world) == []
    assert all(one.closed_at for one in notes(world))


def test_a_death_that_waits_for_its_second_signature_writes_to_nobody(world: World) -> None:
    person = practitioner(world)
    [author] = members(world, "rosa")
    with pytest.raises(Refusal, match="evidence-missing"):
        propose_death(world, person, author, evidence=" ")
    propose_death(world, person, author, evidence="acte-7")
    assert told(world) == []
    with reading(world.engine) as db:
        assert status.status(registry.standing(db, person), now=world.now) == "suspended"


def propose_death(world: World, person: int, author: Member, *, evidence: str) -> None:
    with writing(world.engine) as db:
        known = registry.get(db, person)
        two_signatures.decide(db, known, "death", author, origin=SYSTEM, now=world.now, reason="DCD", evidence=evidence)


@pytest.mark.parametrize(
    ("by", "mails"), [("staff", ["Connexion Santé : une situation d’exercice est terminée"]), ("extract", [])]
)
def test_an_activity_ended_by_staff_is_told_and_one_ended_by_a_file_is_not(
    world: World, by: str, mails: list[str]
) -> None:
    note(world, "activite:ended", f"practitioner:{practitioner(world)}", activite=3, by=by)
    assert told(world) == mails


def test_a_decision_on_one_activity_does_not_say_that_all_access_stopped(world: World) -> None:
    note(
        world, "practitioner:status-changed", f"practitioner:{practitioner(world)}", kind="suspension", scope="activite"
    )
    assert told(world) == []


def test_a_change_that_lets_the_person_in_as_before_is_silent(world: World) -> None:
    note(world, "practitioner:status-changed", f"practitioner:{practitioner(world)}", kind="changed")
    assert told(world) == []


def test_a_person_without_address_is_not_told(world: World) -> None:
    suspend(world, practitioner(world, email=""))
    assert told(world) == []


def test_a_note_about_somebody_who_is_gone_is_buried(world: World) -> None:
    note(world, "practitioner:status-changed", "practitioner:999999")
    told(world)
    assert notes(world)[0].dead_at is not None


@pytest.mark.parametrize("topic", ["practitioner:status-changed", "activite:ended", "means:changed", "session:ended"])
def test_a_note_about_nobody_is_closed(world: World, topic: str) -> None:
    note(world, topic, "session:abc", by="staff", change="withdrawn")
    assert told(world) == []
    assert notes(world)[0].closed_at == world.now


def test_subjects_that_name_a_person() -> None:
    assert person_of("practitioner:12") == 12
    assert person_of("practitioner:unknown") is None
    assert person_of("session:12") is None
