"""A "message:send" note → the text a person reads. Texts are `message.<template>-subject` and `-body`."""

import json
from typing import Any

from pro_sante_connect.core.outbox import Taken
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.core.words import say
from pro_sante_connect.settings import Settings
from pro_sante_connect.signals.transport import MAIL, Message

_ENVELOPE = ("channel", "to", "template", "language")


def render(note: Taken, *, settings: Settings, vault: Vault) -> Message:
    """Fields of a text: the note's own facts, what its sealed part holds, the service's name and address."""
    channel, template, language = (str(note.facts[name]) for name in ("channel", "template", "language"))
    facts: dict[str, Any] = {
        "service": settings.appearance.service_name,
        "address": settings.issuer.wallet_base,
        "authority": settings.appearance.authority_contact or say(language, "message.your-authority"),
        **{name: value for name, value in note.facts.items() if name not in _ENVELOPE},
    }
    if note.sealed is not None:
        facts |= json.loads(vault.open(note.sealed, purpose=Purpose.OUTBOX_NOTE))
    subject = say(language, f"message.{template}-subject", **facts) if channel == MAIL else ""
    return Message(
        channel=channel,
        recipient=str(note.facts["to"]),
        subject=subject,
        body=say(language, f"message.{template}-body", **facts).strip(),
        reference=f"psc-{note.id}",
    )
