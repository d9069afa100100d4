"""Encryption at rest, and keys derived from the deployment's root secrets.

The secrets file holds one base64url secret of 32 bytes per line: the first encrypts, all decrypt. To roll over,
put a new line first; to finish, `psc keys reseal` and drop the old line.
"""

import base64
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.errors import Refusal


class Purpose(StrEnum):
    """What is sealed. Each has a key of its own: what was sealed for one never opens for another."""

    SIGNING_KEY = "signing key"
    ECPS_CODE = "e-CPS code"
    TOTP_SECRET = "one-time secret"
    OUTBOX_NOTE = "outbox note"
    STREAM_AUTHORIZATION = "stream authorization"
    TYPED_COOKIE = "cookie typed"
    NUMBER_COOKIE = "cookie number"
    FHIR_PAGE = "FHIR page"


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals small secrets; derives purpose-bound keys."""

    roots: tuple[bytes, ...]

    def seal(self, secret: bytes, *, purpose: Purpose) -> bytes:
        return self._fernet(purpose).encrypt(secret)

    def open(self, sealed: bytes, *, purpose: Purpose) -> bytes:
        try:
            return self._fernet(purpose).decrypt(sealed)
        except InvalidToken:
            raise Refusal("vault-unreadable") from None

    def reseal(self, sealed: bytes, *, purpose: Purpose) -> bytes:
        """The same secret under the first root; refuses `vault-unreadable`."""
        return self.seal(self.open(sealed, purpose=purpose), purpose=purpose)

    def _fernet(self, purpose: Purpose) -> MultiFernet:
        keys = [_derive(root, f"at rest: {purpose.value}") for root in self.roots]
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def derive(self, purpose: str, *, root: int = 0) -> bytes:
        """32 bytes for one purpose, from the given root (0 is the active one)."""
        return _derive(self.roots[root], purpose)

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """The same from every root, the active one first: what a former root made is still recognised."""
        return tuple(_derive(root, purpose) for root in self.roots)


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(root)


def vault_of(roots: tuple[bytes, ...]) -> Vault:
    """A vault over root secrets of at least 32 bytes each; refuses `vault-missing` or `vault-weak`."""
    if not roots:
        raise Refusal("vault-missing")
    if any(len(root) < 32 for root in roots):
        raise Refusal("vault-weak")
    return Vault(roots)


def write_secrets(path: Path, *, chance: Chance) -> None:
    """A new secrets file that only its owner reads; raises FileExistsError: an existing one is never touched."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.urlsafe_b64encode(chance.bytes(32)) + b"\n")


def open_vault(path: Path) -> Vault:
    """Read the secrets file; refuses when it is missing, unreadable or weak."""
    try:
        lines = path.read_text("ascii").split()
        return vault_of(tuple(base64.urlsafe_b64decode(line + "=" * (-len(line) % 4)) for line in lines))
    except (OSError, ValueError) as problem:
        raise Refusal("vault-missing", path=str(path), problem=type(problem).__name__) from problem
