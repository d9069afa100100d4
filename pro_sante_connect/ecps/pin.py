"""The e-CPS code: 4 to 8 digits the person chooses, behind a slow hash which is itself sealed by the vault.

Sealed, because a short code does not survive a stolen database behind any hash.
"""

import re

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.vault import Purpose, Vault

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID)
# A hash of no code at all, of the same cost: what is verified for a person without one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_RUNS = "01234567890", "09876543210"


def tidy(typed: str) -> str | None:
    """What was typed without its spaces; None unless it is 4 to 8 ASCII digits."""
    squeezed = typed.replace(" ", "")
    return squeezed if re.fullmatch(r"[0-9]{4,8}", squeezed) else None


def choose(typed: str, *, identifier: str) -> str:
    """A code a person may take; refuses `pin-malformed` and `pin-weak` (repetition, run, part of the number)."""
    code = tidy(typed)
    if code is None:
        raise Refusal("pin-malformed")
    if len(set(code)) == 1 or code in identifier or any(code in run for run in _RUNS):
        raise Refusal("pin-weak")
    return code


def seal(vault: Vault, code: str, *, chance: Chance) -> bytes:
    """What rests on the card. About 20 ms: never inside a write transaction."""
    return vault.seal(_HASHER.hash(code, salt=chance.bytes(16)).encode(), purpose=Purpose.ECPS_CODE)


def matches(vault: Vault, sealed: bytes | None, code: str) -> bool:
    """Whether that is the code; the same work, and no, for nobody's. Never inside a write transaction."""
    expected = _NOBODY if sealed is None else vault.open(sealed, purpose=Purpose.ECPS_CODE).decode()
    try:
        return _HASHER.verify(expected, code)
    except VerifyMismatchError:
        return False
