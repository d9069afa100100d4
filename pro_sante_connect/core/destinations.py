"""Where we may call: judged by its spelling at registration, and by the addresses of its name at each call. Pure.

https, a name or a canonical address, and every address of that name in the public Internet. What the settings exempt
(`host:port`) may be anywhere, by http too: the demo, tests, a receiver inside the operator's own network.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_URL = 500
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9._:-]+\Z")
# WHATWG URL §3.5: a host whose last label is a number is an address; resolvers take 127.1, 0x7f000001, 017700000001.
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z")
_LOCAL = ("localhost", "local", "internal")
# Beside what `is_global` knows: protocol assignments, 6to4's relays.
_NOT_PUBLIC_4 = tuple(IPv4Network(one) for one in ("192.0.0.0/24", "192.88.99.0/24"))
# RFC 4291 §2.4: what is in use of global unicast. So mapped, NAT64, unique-local and link-local addresses are outside.
_PUBLIC_6 = IPv6Network("2000::/3")
# Teredo and other assignments, 6to4, documentation: they lead to an IPv4 address of somebody's choice, or nowhere.
_NOT_PUBLIC_6 = tuple(IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True)
class Refused:
    """Not called: `address-malformed`, `address-scheme`, `address-inside`, `address-unknown`."""

    code: str


@dataclass(frozen=True, slots=True)
class Destination:
    """An address whose spelling may be called."""

    scheme: str
    host: str
    port: int
    target: str
    exempt: bool

    @property
    def authority(self) -> str:
        """What stands in `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def judge(url: str, exempt: Collection[str] = ()) -> Destination | Refused:
    """By its spelling alone."""
    parts = _parts(url)
    if parts is None:
        return Refused("address-malformed")
    host, port = str(parts.hostname).rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme in _PORTS and f"{host}:{port}" in exempt:
        return Destination(parts.scheme, host, port, target, exempt=True)
    if parts.scheme != "https":
        return Refused("address-scheme")
    last = host.rpartition(".")[2]
    if last in _LOCAL:
        return Refused("address-inside")
    if _NUMBER.match(last) or ":" in host:
        try:
            address = ip_address(host)
        except ValueError:
            return Refused("address-malformed")
        if not is_public(address):
            return Refused("address-inside")
    return Destination(parts.scheme, host, port, target, exempt=False)


def _parts(url: str) -> SplitResult | None:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or any(mark in url for mark in ' \\#"<>^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        good = parts.port != 0 and "@" not in parts.netloc and _HOST.match(parts.hostname or "")
    except ValueError:
        return None
    return parts if good and str(parts.hostname).strip(".") else None


def allowed(where: Destination, addresses: Collection[str]) -> Refused | None:
    """By the addresses of its name: each must be public, since any of them may be the one called."""
    if not addresses:
        return Refused("address-unknown")
    if where.exempt:
        return None
    return None if all(is_public(ip_address(one)) for one in addresses) else Refused("address-inside")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """An address of the public Internet, of one machine."""
    if isinstance(address, IPv4Address):
        outside = not address.is_global or address.is_multicast or address.is_reserved
        return not outside and not any(address in network for network in _NOT_PUBLIC_4)
    inside = address in _PUBLIC_6 and address.is_global
    return inside and not any(address in network for network in _NOT_PUBLIC_6)
