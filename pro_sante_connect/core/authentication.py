"""The one value in which a proof of identity travels from `ecps` to `oidc`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """PSC's `authMode`. CARD is reserved: no card reader path is built."""

    CARD = "CARD"
    MOBILE = "MOBILE"


class Level(StrEnum):
    """Assurance levels, weakest first; compare with `reaches`."""

    EIDAS1 = "eidas1"
    EIDAS2 = "eidas2"
    EIDAS3 = "eidas3"

    def reaches(self, other: "Level") -> bool:
        """True when this level is at least as strong as the other."""
        order = list(Level)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """A proof given. `methods` are RFC 8176 values; `means` names the row that proved it (`passkey:12`)."""

    practitioner: int
    mode: Mode
    methods: tuple[str, ...]
    level: Level
    means: str
    at: datetime
