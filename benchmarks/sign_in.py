"""A whole sign-in by passkey, over HTTP as a browser does it: authorize, assertion, code, tokens."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from benchmarks.load import spent
from benchmarks.servers import COMMON, Server
from pro_sante_connect.core.database import writing
from pro_sante_connect.demo.passkey import SoftwarePasskey
from pro_sante_connect.ecps.models import ACTIVE, Card, Passkey
from tests.oidc.parties import CALLBACK, Cast

HANDS = 4


def give_passkey(people: Cast, wallet: str) -> SoftwarePasskey:
    """The person's card with one passkey in software."""
    world = people.world
    made = SoftwarePasskey.derived(
        world.chance.bytes(32), rp_id=urlsplit(wallet).hostname or "", holder=world.chance.token(32)
    )
    with writing(world.engine) as db:
        card = Card(
            practitioner_id=people.practitioner, holder=made.holder, state=ACTIVE, pin=b"", made_at=world.now,
            expires_at=world.now + timedelta(days=365),
        )  # fmt: skip
        db.add(card)
        db.flush()
        db.add(
            Passkey(
                card_id=card.id, practitioner_id=people.practitioner, credential_id=made.credential_id,
                public_key=made.public_key, sign_count=0, backup_eligible=False, backed_up=False, aaguid="",
                transports=["internal"], name="bench", added_at=world.now,
            )
        )  # fmt: skip
    return made


def measure(server: Server, count: int) -> float:
    """CPU microseconds of the server for one sign-in."""
    before = spent(server.processes)
    with ThreadPoolExecutor(HANDS) as hands:
        statuses = list(hands.map(lambda _: _sign_in(server), range(count)))
    if set(statuses) != {200}:
        raise RuntimeError(f"sign-ins answered {sorted(set(statuses))}")
    return (spent(server.processes) - before) / count * 1e6


def _sign_in(server: Server) -> int:
    passkey: SoftwarePasskey = server.notes["passkey"]
    with requests.Session() as browser:
        asked = {
            "client_id": server.client[0], "redirect_uri": CALLBACK, "response_type": "code", "state": "s",
            "scope": "openid scope_all", "acr_values": "eidas1", "code_challenge": COMMON["code_challenge"],
            "code_challenge_method": "S256",
        }  # fmt: skip
        page = browser.get(f"{server.base}/auth?{urlencode(asked)}")
        token = _found(r'name="csrf_token" value="(\w+)"', page.text)
        address = page.url.removesuffix("/") + "/passkey"
        options = browser.post(address + "/options", json={}, headers={"X-CSRF-Token": token}).json()
        answer = json.dumps(passkey.get(options, origin=server.base))
        form = {"csrf_token": token, "credential": answer, "national_id": ""}
        code = _code(browser, browser.post(address, form, allow_redirects=False))
        redeemed = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": COMMON["code_verifier"],
        }  # fmt: skip
        return browser.post(server.endpoints["token_endpoint"], redeemed, auth=server.client).status_code


def _code(browser: requests.Session, answer: requests.Response) -> str:
    """Follow our own redirects to the service's."""
    while not answer.headers["Location"].startswith(CALLBACK):
        answer = browser.get(requests.compat.urljoin(answer.url, answer.headers["Location"]), allow_redirects=False)
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def _found(pattern: str, text: str) -> str:
    match: Any = re.search(pattern, text)
    return str(match[1])
