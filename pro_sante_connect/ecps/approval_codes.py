"""What a computer shows and a phone gives back, derived from the request's id: nothing readable is stored."""

from datetime import datetime

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import digest, keyed, same
from pro_sante_connect.core.vault import Vault
from pro_sante_connect.ecps.ceremonies import encoded

TRIES = 3
# The former code is still taken, so that a scan may straddle a change; a photograph is dead after 14 s.
QR_SECONDS = 7
SCAN_PATH = "/phone/scan/"


def new_id(vault: Vault, *, chance: Chance) -> str:
    """An id that names the root secret its codes come from: a new root changes nothing that is under way."""
    return _mark(vault.derive("approval")) + chance.token(24)


def _mark(key: bytes) -> str:
    return keyed(key, "mark").hex()[:8]


def _bytes(vault: Vault, kind: str, approval_id: str, *parts: str) -> bytes:
    keys = vault.derive_all("approval")
    key = next((one for one in keys if approval_id.startswith(_mark(one))), keys[0])
    return keyed(key, kind, approval_id, *parts)


def number(vault: Vault, approval_id: str, *, compatible: bool) -> str:
    """The number on the computer's screen: six digits, or two in compatible mode."""
    digits = 2 if compatible else 6
    value = int.from_bytes(_bytes(vault, "number", approval_id)[:8])
    return f"{value % 10**digits:0{digits}d}"


def choices(vault: Vault, approval_id: str) -> list[str]:
    """Compatible mode: the right number and two others, in an order that stays the same."""
    right = number(vault, approval_id, compatible=True)
    seed = _bytes(vault, "choices", approval_id)
    first = 1 + seed[0] % 49
    others = [f"{(int(right) + step) % 100:02d}" for step in (first, first + 1 + seed[1] % 49)]
    others.insert(int.from_bytes(seed[2:10]) % 3, right)
    return others


def most_tries(*, compatible: bool) -> int:
    """One wrong pick of three is already one chance in three; a typed number may be mistyped."""
    return 1 if compatible else TRIES


def qr_token(vault: Vault, approval_id: str, *, now: datetime) -> str:
    """What the QR code carries now."""
    return _token(vault, approval_id, _step(now))


def scanned(vault: Vault, token: str, *, now: datetime) -> str | None:
    """The request a scanned token belongs to, if it is the current or the former one."""
    approval_id = token.partition(".")[0]
    step = _step(now)
    # Both are compared whichever matches: the time taken tells nothing.
    matches = [same(token, _token(vault, approval_id, step - back)) for back in (0, 1)]
    return approval_id if any(matches) else None


def scan_proof(vault: Vault, approval_id: str, phone_token: str) -> str:
    """What the phone that scanned hands back to confirm, as long as the request waits; worthless to any other."""
    return encoded(_bytes(vault, "scanned", approval_id, digest(phone_token))[:18])


def _step(now: datetime) -> int:
    return int(now.timestamp()) // QR_SECONDS


def _token(vault: Vault, approval_id: str, step: int) -> str:
    return f"{approval_id}.{encoded(_bytes(vault, 'qr', approval_id, str(step))[:18])}"
