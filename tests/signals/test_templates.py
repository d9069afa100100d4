"""Every message in both languages: all its fields filled, one subject, nothing that looks like a template."""

import pytest

from pro_sante_connect.core.outbox import Taken
from pro_sante_connect.core.words import LANGUAGES, catalogue
from pro_sante_connect.settings import Appearance, Settings
from pro_sante_connect.signals.messages import render
from tests.world import World

TEMPLATES = sorted(
    key.removeprefix("message.").removesuffix("-body") for key in catalogue("fr") if key.endswith("-body")
)
FACTS = {
    "name": "Anne",
    "link": "https://psc.example/staff/join/x",
    "means": "Téléphone de <b>Chloé</b>",
    "minutes": 10,
    "code": "7F3K-22AB",
}


def test_there_are_messages() -> None:
    assert {"activation-mail", "activation-sms", "card-activated", "means-added", "access-stopped"} <= set(TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_message_is_whole_in_both_languages(world: World, template: str, language: str) -> None:
    channel = "sms" if template.endswith("-sms") else "mail"
    envelope = {"channel": channel, "to": "chloe@personnes.example", "template": template, "language": language}
    settings = Settings(appearance=Appearance(authority_contact="ordre@exemple.example"))
    note = Taken(1, "message:send", "practitioner:1", envelope | FACTS, None, 0)
    message = render(note, settings=settings, vault=world.dep.vault)
    text = message.subject + message.body
    assert not set("{}") & set(text)
    assert bool(message.subject) is (channel == "mail")
    assert "\n" not in message.subject
    assert message.recipient == "chloe@personnes.example"
    if template.startswith("activation"):
        assert FACTS["code"] in message.body
    if channel == "sms":
        assert len(message.body) <= 160
