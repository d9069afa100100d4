"""Browsers where a person signed in before: what strangers do with her number does not use up her tries there.

The cookie opens nothing; it only says which counter a try belongs to. It holds a random id and, for each person who
signed in here, a code made of that id and her number under our key: nothing rests here, and no name stands in it.
"""

import re

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.digest import keyed, same
from pro_sante_connect.core.vault import Vault
from pro_sante_connect.ecps.ceremonies import encoded

MOST = 8
"""People of a shared computer, the latest first."""
_ID = re.compile(r"[A-Za-z0-9_-]{24}\Z")


def browser(vault: Vault, cookie: str, person: str) -> str:
    """This browser's id if that person signed in here before, else an empty text."""
    own, marks = _parts(cookie)
    # All are compared, whichever matches: the time taken tells nothing.
    matches = [same(mark, mine) for mine in _marks(vault, own, person) for mark in marks]
    return own if any(matches) else ""


def remember(vault: Vault, cookie: str, person: str, *, chance: Chance) -> str:
    """The cookie after that person signed in."""
    own, marks = _parts(cookie)
    own = own or chance.token(18)
    mine = _marks(vault, own, person)
    return ".".join([own, mine[0], *(mark for mark in marks if mark not in mine)][: MOST + 1])


def _parts(cookie: str) -> tuple[str, list[str]]:
    own, *marks = cookie.split(".")
    return (own, marks[:MOST]) if _ID.match(own) and len(cookie) <= 24 * (MOST + 1) else ("", [])


def _marks(vault: Vault, own: str, person: str) -> list[str]:
    """By every root secret, the active one first."""
    return [encoded(keyed(key, own, person)[:16]) for key in vault.derive_all("familiar browser")]
