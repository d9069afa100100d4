"""Identifiers of people and places: parse, check, join. Pure."""

import re
import unicodedata
import zlib
from typing import NewType

from pro_sante_connect.core.errors import Refusal

NationalId = NewType("NationalId", str)
"""Identifier type and identifier run together; only `parse_typed` makes one."""

RPPS = "8"
BUCKETS = 64

_PRINTABLE = re.compile(r"[!-~]{1,128}")
_DIGITS = re.compile(r"[0-9]+")
# Twice each digit, less 9 above 9.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def luhn(text: str) -> bool:
    """Whether a row of ASCII digits carries a good check digit."""
    if not _DIGITS.fullmatch(text):
        return False
    return luhn_bytes(text.encode())


def luhn_bytes(digits: bytes) -> bool:
    """The same for bytes already known to be digits: half a microsecond, for the import."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(digits[-1::-2]) + sum(doubled) - 48 * len(digits)) % 10 == 0


def is_rpps(identifier: str) -> bool:
    """11 digits with a good check digit."""
    return len(identifier) == 11 and luhn(identifier)


def parse_typed(text: str) -> NationalId:
    """What a person typed: a bare RPPS number gets its 8; every other form stays as it is.

    A number of 12 digits is taken as it is, whatever its check digit: whether somebody bears it is the
    registry's answer, not the form's.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"[0-9][0-9 .]*", folded):
        folded = re.sub(r"[ .]", "", folded)
    if not _PRINTABLE.fullmatch(folded):
        raise Refusal("identifier-malformed")
    return NationalId(RPPS + folded) if is_rpps(folded) else NationalId(folded)


def bucket(national: bytes) -> int:
    """One of 64 portions of the registry, by hash: what an import compares at a time."""
    return zlib.crc32(national) % BUCKETS


def folded_name(family_name: str, given_name: str) -> str:
    """Capital ASCII words: what names are searched by."""
    return f"{fold(family_name)} {fold(given_name)}".strip()


_LIGATURES = str.maketrans({"œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ß": "SS", "ø": "O", "Ø": "O"})
_SEPARATORS = re.compile(r"[^0-9A-Z]+")


def fold(text: str) -> str:
    """A name without case, accents, hyphens and apostrophes."""
    plain = text
    if not text.isascii():
        spread = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
        plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    words = _SEPARATORS.sub(" ", plain.upper()).strip()
    # A name in another script has no ASCII letter: it stays as it is rather than equal to every such name.
    return words or text.strip().upper()


def same_name(left: str, right: str) -> bool:
    """Whether two folded names are one, spaces apart."""
    return left == right or left.replace(" ", "") == right.replace(" ", "")
