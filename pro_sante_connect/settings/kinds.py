"""What a setting may hold: how a value of TOML or of the environment becomes one, and what to write instead. Pure."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

STORES = ("sqlite:///", "postgresql+psycopg://")
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Kind:
    """`take` gives the value or raises ValueError; `words` end the sentence "write …"; a secret is never repeated."""

    words: str
    take: Callable[[Any], Any]
    secret: bool = False


def whole(low: int, high: int) -> Kind:
    """A whole number; 12.7 is not cut to 12."""

    def take(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        found = int(value)
        if not low <= found <= high:
            raise ValueError
        return found

    return Kind(f"a whole number from {low} to {high}", take)


def number(low: float, high: float) -> Kind:
    """A finite number: nothing compares with nan, and a guard that compares with it never acts."""

    def take(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        try:
            found = float(value)
        except OverflowError:
            raise ValueError from None
        if not math.isfinite(found) or not low <= found <= high:
            raise ValueError
        return found

    return Kind(f"a number from {low:g} to {high:g}", take)


def _text(value: Any) -> str:
    if not isinstance(value, str) or any(unicodedata.category(letter) in _UNWRITABLE for letter in value):
        raise ValueError
    return value


def text(words: str = "text on one line", fits: Callable[[str], bool] = bool, *, secret: bool = False) -> Kind:
    """Text that fits; by default any but the empty one."""

    def take(value: Any) -> str:
        found = _text(value)
        if not fits(found):
            raise ValueError
        return found

    return Kind(words, take, secret)


def optional(kind: Kind) -> Kind:
    """The same, or nothing."""
    return Kind(f'{kind.words}, or ""', lambda value: value if value == "" else kind.take(value), kind.secret)


def choice(*options: str) -> Kind:
    """One of these words."""
    return text(" or ".join(", ".join(options).rsplit(", ", 1)), lambda value: value in options)


def _truth(value: Any) -> bool:
    word = str(value).lower()
    if word not in _WORDS:
        raise ValueError
    return _WORDS[word]


def _addresses(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError
    # Spelled as the kernel spells them: they are compared with peers as text.
    return tuple(str(ip_address(_text(part).strip())) for part in parts if part != "")


def _places(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError
    return tuple(_place(_text(part).strip().lower()) for part in parts if part != "")


def _place(text: str) -> str:
    """`host:port`, an IPv6 address without its brackets: as the parts of an address are compared."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", host) or not re.fullmatch(r"[1-9][0-9]{0,4}", port):
        raise ValueError
    if int(port) > 65_535:
        raise ValueError
    return f"{host.strip('[]')}:{port}"


def _parts(address: str) -> tuple[str, str]:
    """Scheme and host; ("", "") for what is no address."""
    try:
        parts = urlsplit(address)
        _port, host = parts.port, parts.hostname or ""
    except ValueError:
        return "", ""
    good = re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc) and not re.search(r"\s", address)
    return (parts.scheme, host) if good else ("", "")


def _public(address: str) -> bool:
    scheme, host = _parts(address)
    return bool(host) and (scheme == "https" or (scheme == "http" and host in _LOOPBACK))


def _base(address: str) -> bool:
    return _public(address) and address == f"{_parts(address)[0]}://{urlsplit(address).netloc}"


def _store(address: str) -> bool:
    """The port is the part that makes a store's address unreadable; the rest the store says itself."""
    try:
        _port = urlsplit(address).port
    except ValueError:
        return False
    return address.startswith(STORES) and address != STORES[0]


def _matching(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


TRUTH = Kind("true or false", _truth)
TEXT = text()
ANY_TEXT = optional(TEXT)
PASSWORD = Kind("text on one line", _text, secret=True)
ADDRESSES = Kind('a list of IP addresses, such as ["127.0.0.1"] (127.0.0.1,::1 in the environment)', _addresses)
PLACES = Kind('a list of host:port, such as ["localhost:8001"] (localhost:8001,[::1]:8001 in the environment)', _places)
BASE = text("https://host (or http://localhost:port), without path, query or trailing slash", _base)
PAGE = text("an https:// address", _public)
STORE = text(f"{STORES[0]}file or {STORES[1]}user@host/name", _store, secret=True)
PATH_SEGMENT = text("letters, digits, and - . _ after the first", _matching(r"[A-Za-z0-9][A-Za-z0-9._-]*"))
UUID = text("a UUID in small letters", _matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"))
HOST = text("a host name or an IP address", _matching(r"[A-Za-z0-9.:_-]+"))
MAIL = text("a mail address", _matching(r"[^\s@<>,;]+@[^\s@<>,;]+"))
PORT = whole(1, 65_535)
SECONDS = whole(1, 10 * 365 * 86_400)
DAYS = whole(1, 10 * 365)
PER_MILLE = number(0, 1000)
LEVEL = choice("eidas1", "eidas2", "eidas3")
