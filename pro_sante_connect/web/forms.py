"""A form that was refused comes back with the reason, and with what was typed except the codes."""

from dataclasses import dataclass
from typing import Any

from flask import request

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.web.clinician.moments import in_words
from pro_sante_connect.web.errors import STATUS
from pro_sante_connect.web.language import word

LONGEST = 128
LONGEST_JSON = 4096

# Refusals that a person can mend on the page where they stand, and the fields to mend. The others end the page.
MENDABLE: dict[str, tuple[str, ...]] = {
    "identifier-malformed": ("login",),
    "codes-refused": ("ecps_code", "otp"),
    "codes-paused": (),
    "passkey-refused": (),
    "passkey-set-aside": (),
    "passkey-not-kept": (),
    "passkey-known": (),
    "passkeys-too-many": (),
    "approvals-paused": (),
    "number-wrong": ("number",),
    "pin-wrong": ("ecps_code",),
    "pin-paused": (),
    "activation-refused": ("mail_code", "sms_code"),
    "activation-throttled": (),
    "pin-weak": ("code",),
    "pin-malformed": ("code",),
    "otp-wrong": ("otp",),
    "activity-missing": ("activity",),
    "second-way-needed": (),
    "reason-missing": ("reason",),
    "evidence-missing": ("evidence",),
    "until-missing": ("until",),
    "until-past": ("until",),
    "until-malformed": ("until",),
    "effective-malformed": ("effective",),
    "effective-past": ("effective",),
    "scope-unknown": ("scope",),
    "activite-unknown": ("scope",),
    "activite-ended": ("scope",),
    "exercice-unknown": ("scope",),
    "not-suspended": (),
    "already-protected": (),
    "not-protected": (),
    "proposal-pending": (),
    "proposal-closed": (),
    "proposal-overtaken": (),
    "own-number-malformed": ("national_id",),
    "word-missing": ("word",),
    "email-malformed": ("email",),
    "name-missing": ("name",),
    "role-unknown": ("role",),
    "authority-unknown": (),
    "last-of-role": (),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the form came back: words, the fields concerned, the status."""

    code: str
    text: str
    fields: tuple[str, ...]
    status: int


def mend(refusal: Refusal) -> Problem:
    """The problem to show beside the form; raises the refusal again when the page cannot mend it."""
    if refusal.code not in MENDABLE:
        raise refusal
    text = word(f"refusal.{refusal.code}", **in_words(refusal.facts))
    return Problem(
        refusal.code,
        text,
        MENDABLE[refusal.code],
        STATUS.get(refusal.code, 429 if refusal.code.endswith("-paused") else 422),
    )


def field(name: str) -> str:
    """A short text of this form."""
    return request.form.get(name, "").strip()[:LONGEST]


def member(name: str) -> str:
    """A short text of a script's JSON body, empty when there is none; refuses `body-too-large`."""
    if len(request.get_data()) > LONGEST_JSON:
        raise Refusal("body-too-large")
    try:
        sent: Any = request.get_json(silent=True)
    except RecursionError:  # nested deeper than the parser goes: as malformed as any other
        sent = None
    return str(sent.get(name) or "").strip()[:LONGEST] if isinstance(sent, dict) else ""


def credential() -> str:
    """What the authenticator answered: JSON, checked by the card's room."""
    return request.form.get("credential", "")
