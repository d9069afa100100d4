"""Means → assurance level and `amr` (RFC 8176). Pure.

What can be relayed (a one-time code, a number typed on a phone) or copied (a synced passkey) never reaches
eidas3, whatever the settings say.
"""

from dataclasses import dataclass

from pro_sante_connect.core.authentication import Level
from pro_sante_connect.settings import Policy


@dataclass(frozen=True, slots=True)
class Grade:
    """What a proof is worth and how it was given."""

    level: Level
    methods: tuple[str, ...]


def weaker(left: Level, right: Level) -> Level:
    """The lower of two levels."""
    return right if left.reaches(right) else left


def of_passkey(policy: Policy, *, synced: bool, most: Level = Level.EIDAS3) -> Grade:
    """A passkey with user verification: possession, and knowledge or biometrics, in one gesture. `most` is what it
    was bound with: nobody climbs by adding a passkey to a weaker session."""
    if synced:
        return Grade(weaker(weaker(Level(policy.synced_level), Level.EIDAS2), most), ("swk", "user", "mfa"))
    return Grade(weaker(Level(policy.device_bound_level), most), ("hwk", "user", "mfa"))


def of_codes(policy: Policy) -> Grade:
    """e-CPS code and one-time code together."""
    return Grade(weaker(Level(policy.code_level), Level.EIDAS2), ("pin", "otp", "mfa"))


def of_approval(policy: Policy, on_phone: Grade, *, compatible: bool) -> Grade:
    """A phone approval, proven on the phone; picking one of three numbers is worth less."""
    highest = weaker(Level.EIDAS1 if compatible else Level.EIDAS2, on_phone.level)
    return Grade(weaker(Level(policy.approval_level), highest), ("mca", *on_phone.methods))


PIN_ON_PHONE = Grade(Level.EIDAS2, ("pin", "mfa"))
