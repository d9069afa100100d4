"""The ids of FHIR resources: our own numbers and a structure's technical number, sealed. Pure.

AES-SIV (RFC 5297) gives the same id for the same thing, so no table holds them; who has not the key can neither count
nor guess them. The first key makes ids, all of them read.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PERSON, ROLE, PLACE = "p", "r", "o"
_MOST = 30  # bytes: FHIR ids have 64 characters at most
_NUMBER = 6


@dataclass(frozen=True, slots=True)
class Ids:
    """Keys of 32 bytes, the active one first."""

    keys: Sequence[bytes]

    def person(self, number: int) -> str:
        return self._seal(PERSON, number.to_bytes(_NUMBER, "big"))

    def role(self, person: int, activite: int) -> str:
        return self._seal(ROLE, person.to_bytes(_NUMBER, "big") + activite.to_bytes(_NUMBER, "big"))

    def place(self, technical_id: str) -> str:
        """Empty for a structure without a technical number, or with one that is too long for an id."""
        told = technical_id.encode()
        return self._seal(PLACE, told) if 0 < len(told) <= _MOST else ""

    def person_of(self, told: str) -> int:
        """The number; 0 when it is no id of ours."""
        return int.from_bytes(self._open(PERSON, told), "big")

    def role_of(self, told: str) -> tuple[int, int]:
        """The person and her activity; zeros when it is no id of ours."""
        opened = self._open(ROLE, told)
        return int.from_bytes(opened[:_NUMBER], "big"), int.from_bytes(opened[_NUMBER:], "big")

    def place_of(self, told: str) -> str:
        """The technical number; empty when it is no id of ours."""
        return self._open(PLACE, told).decode()

    def _seal(self, kind: str, told: bytes) -> str:
        sealed = AESSIV(self.keys[0]).encrypt(told, [kind.encode()])
        return f"{kind}-{base64.b64encode(sealed, b'-.').decode().rstrip('=')}"

    def _open(self, kind: str, told: str) -> bytes:
        mark, _, rest = told.partition("-")
        if mark != kind:
            return b""
        try:
            sealed = base64.b64decode(rest + "=" * (-len(rest) % 4), b"-.", validate=True)
        except ValueError:
            return b""
        for key in self.keys:
            try:
                return AESSIV(key).decrypt(sealed, [kind.encode()])
            except (InvalidTag, ValueError):
                continue
        return b""
