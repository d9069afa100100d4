"""How a bearer secret is stored and compared.

The secrets are long and random, so one round of SHA-256 is enough; short secrets that people choose live in
`ecps/pin.py` behind a slow hash.
"""

from hashlib import sha256
from hmac import compare_digest, new


def digest(secret: str) -> str:
    """Hexadecimal SHA-256 of the secret's UTF-8 bytes."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(left: str, right: str) -> bool:
    """Constant-time equality of any two texts (bytes: `compare_digest` refuses non-ASCII text)."""
    return compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def keyed(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 over parts that cannot run into one another."""
    return new(key, "\x1f".join(parts).encode("utf-8", "surrogatepass"), sha256).digest()
