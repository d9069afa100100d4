"""People are written to in the language of the pages on which they activated."""

from dataclasses import replace

import pytest

from pro_sante_connect.signals import withdrawal
from pro_sante_connect.signals.delivery import deliver_due
from tests.ecps.people import BROWSER, candidate, languages, suspend, told
from tests.ecps.requests import ask
from tests.signals.test_delivery import Relay
from tests.world import World


@pytest.mark.parametrize(
    ("language", "subject"),
    [("fr", "Connexion Santé\u00a0: votre accès est arrêté"), ("en", "Connexion Santé: your access has been stopped")],
)
def test_every_notice_keeps_the_language_of_the_activation(world: World, language: str, subject: str) -> None:
    person = replace(candidate(world), language=language).enrol()
    ask(person).refuse()
    suspend(person)
    relay = Relay()
    while deliver_due(world.dep, relay):
        pass
    withdrawal.freeze(world.dep, person.practitioner, origin=BROWSER)
    assert {"activation-mail", "card-activated", "approval-refused", "access-stopped", "card-withdrawn"} <= set(
        told(person)
    )
    assert languages(person) == {language}
    assert subject in [message.subject for message in relay.sent]


def test_a_person_without_a_card_is_written_to_in_french(world: World) -> None:
    person = candidate(world)
    suspend(person)
    while deliver_due(world.dep, Relay()):
        pass
    assert told(person) == ["access-stopped"]
    assert languages(person) == {"fr"}
