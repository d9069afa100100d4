"""Tokens made of a good one by somebody who has no key of ours."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from tests.serving import Served

FOREIGN = RSAKey.generate_key(2048)


def b64(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]
    return read[0], read[1], signature


def published(served: Served) -> dict[str, Any]:
    """The key that RS256 tokens are verified with."""
    keys = requests.get(served.oidc + "/certs").json()["keys"]
    return dict(next(key for key in keys if key["alg"] == "RS256"))


def by_public_key(served: Served, token: str) -> list[str]:
    """HMAC with what anybody can read (the classic confusion of algorithms)."""
    head, body, _sig = parts(token)
    public = published(served)
    signed = b64(head | {"alg": "HS256"}) + "." + b64(body)
    secrets = [RSAKey.import_key(public).as_pem(private=False), json.dumps(public).encode(), public["n"].encode(), b""]
    macs = [hmac.digest(secret, signed.encode(), "sha256") for secret in secrets]
    return [f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}" for mac in macs]


def signed_by_stranger(head: dict[str, Any], body: dict[str, Any]) -> str:
    """RS256 by a key that is not ours, whatever the header says."""
    signed = b64(head) + "." + b64(body)
    signature = FOREIGN.private_key.sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


Forger = Callable[[Served, str], list[str]]


def forgers() -> dict[str, Forger]:
    """Each makes tokens of a good one."""

    def none(_: Served, token: str) -> list[str]:
        head, body, signature = parts(token)
        unsigned = [b64(head | {"alg": word}) + "." + b64(body) + "." for word in ("none", "NONE", "nOnE", "")]
        return [*unsigned, unsigned[0] + signature]

    def foreign(_: Served, token: str) -> list[str]:
        head, body, _sig = parts(token)
        return [signed_by_stranger(head, body), signed_by_stranger(head | {"kid": "stranger"}, body)]

    def own_key(_: Served, token: str) -> list[str]:
        head, body, _sig = parts(token)
        public = FOREIGN.as_dict(private=False)
        more = {"jwk": public, "jku": "https://evil.test/keys", "x5u": "https://evil.test/x", "x5c": ["MII="]}
        return [signed_by_stranger(head | {name: value}, body) for name, value in more.items()]

    def header(_: Served, token: str) -> list[str]:
        head, body, signature = parts(token)
        bent = ({"crit": ["x"], "x": 1}, {"kid": "../../x"}, {"kid": "' OR 1=1 --"}, {"kid": ["a"]}, {"kid": None},
                {"kid": "own"}, {"b64": False, "crit": ["b64"]}, {"zip": "DEF"})  # fmt: skip
        return [b64(head | change) + f".{b64(body)}.{signature}" for change in bent]

    def edited(_: Served, token: str) -> list[str]:
        head, body, signature = parts(token)
        changes = (
            {"exp": body["exp"] + 3600},
            {"sub": "f:x:899800000017"},
            {"grant_id": 1},
            {"iss": "https://evil.test"},
        )
        return [b64(head) + f".{b64(body | change)}.{signature}" for change in changes]

    def cut(_: Served, token: str) -> list[str]:
        head, body, signature = token.split(".")
        return [token[:-1], token[:-10], token + "A", f"{head}.{body}.", f"{head}.{body}", f".{body}.{signature}",
                f"{head}..{signature}", token + ".x", token.swapcase()]  # fmt: skip

    def odd(_: Served, token: str) -> list[str]:
        deep = base64.urlsafe_b64encode(b"[" * 3000 + b"]" * 3000).decode()
        return ["x", "." * 200, "a.b.c", "é.é.é", "a" * 20_000, deep + ".e30.x", b64({"alg": "RS256"}) + ".e30.x"]

    return {
        "none": none, "public key as secret": by_public_key,
        "foreign key, our kid": foreign, "key in the header": own_key, "header": header, "edited": edited, "cut": cut,
        "odd": odd,
    }  # fmt: skip


FORGERS = forgers()
