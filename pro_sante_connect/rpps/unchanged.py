"""Whether somebody's lines are those of an earlier load, told without reading them. Pure.

The same bytes, read by the same rules from the same columns, say the same: most of a daily file needs no more.
"""

from collections.abc import Iterable
from hashlib import blake2b

from pro_sante_connect.rpps import nomenclature
from pro_sante_connect.rpps.extract import Layout

# Raised when the same line is read in another way, or makes another dossier.
RULES = 1


def context(layouts: Iterable[Layout]) -> bytes:
    """All that a line's meaning depends on beside its bytes: 16 of them."""
    seen = [(one.part.value, one.width, one.indexes, one.identifier, one.trailing) for one in layouts]
    return blake2b(f"{RULES} {nomenclature.fingerprint()} {seen}".encode(), digest_size=16).digest()


def digest(lines: Iterable[bytes], within: bytes) -> str:
    """Of lines in any order, each between the mark of its file and its line feed, read in that context."""
    return blake2b(b"".join(sorted(lines)), key=within, digest_size=16).hexdigest()
