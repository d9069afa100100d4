"""The least an honest provider can do for a token answer: parse, sign twice, one durable write.

uvicorn benchmarks.bound:app, with BENCH_ALG, BENCH_KEYS, BENCH_DATABASE_URL
"""

import base64
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CLAIMS = b'{"claims":"' + b"x" * 500 + b'"}'
_KEY = load_pem_private_key(
    json.loads(Path(os.environ["BENCH_KEYS"]).read_text())[os.environ["BENCH_ALG"]].encode(), None
)


def _sign(data: bytes) -> bytes:
    if isinstance(_KEY, RSAPrivateKey):
        return _KEY.sign(data, PKCS1v15(), hashes.SHA256())
    assert isinstance(_KEY, EllipticCurvePrivateKey)
    return _KEY.sign(data, ECDSA(hashes.SHA256()))


def _writer() -> Callable[[str], None]:
    url = os.environ["BENCH_DATABASE_URL"]
    if url.startswith("sqlite"):
        store = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=FULL")
        store.execute("CREATE TABLE IF NOT EXISTS spent (code TEXT PRIMARY KEY)")
        return lambda code: _write(store, code)
    import psycopg

    database = psycopg.connect(url.replace("+psycopg", ""), autocommit=True, prepare_threshold=0)
    database.execute("CREATE TABLE IF NOT EXISTS spent (code TEXT PRIMARY KEY)")
    return lambda code: database.execute("INSERT INTO spent VALUES (%s)", (code,)) and None


def _write(store: sqlite3.Connection, code: str) -> None:
    store.execute("BEGIN IMMEDIATE")
    store.execute("INSERT INTO spent VALUES (?)", (code,))
    store.execute("COMMIT")


_STORE: list[Callable[[str], None]] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    if not _STORE:
        _STORE.append(_writer())
    body = b""
    if scope["method"] == "POST":
        body = (await receive()).get("body", b"")
    code = dict(parse_qsl(body.decode())).get("code", "")
    if code:
        _STORE[0](code)
    tokens = [base64.urlsafe_b64encode(CLAIMS + _sign(CLAIMS)).decode() for _ in range(2)]
    answer = json.dumps({"access_token": tokens[0], "id_token": tokens[1], "token_type": "Bearer"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
