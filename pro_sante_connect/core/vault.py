"""Encryption at rest, and keys derived from the deployment's root secrets.

The secrets file holds one base64url secret of 32 bytes per line: the first encrypts, all decrypt. To roll over,
put a new line first; to finish, `psc keys reseal` and drop the old line.
"""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.errors import Refusal


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals small secrets; derives purpose-bound keys."""

    roots: tuple[bytes, ...]
    _fernet: MultiFernet

    def seal(self, secret: bytes) -> bytes:
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise Refusal("vault-unreadable") from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the first root."""
        return self._fernet.rotate(sealed)

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
    fernets = [Fernet(base64.urlsafe_b64encode(_derive(root, "at rest"))) for root in roots]
    return Vault(roots, MultiFernet(fernets))


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
