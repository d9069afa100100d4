"""One process that plays the phones of the people to try: sees what their desktop shows, types it, approves.

It looks at the desktop with the demo's own eye (the number is derived from the deployment's secrets); everything
it does, it does by the pages of a real phone, with a passkey of its own.
"""

import json
import logging
import re
import signal
import sys
from pathlib import Path
from threading import Event

import requests
from sqlalchemy import select

from pro_sante_connect import settings as room
from pro_sante_connect.app import open_deployment
from pro_sante_connect.core import logs
from pro_sante_connect.core.database import reading
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.processes import end_with_parent
from pro_sante_connect.demo import people
from pro_sante_connect.demo.people import Person
from pro_sante_connect.ecps import approval_codes
from pro_sante_connect.ecps.models import PENDING, Approval

LOOK_SECONDS = 0.2
TRIES = 3
logger = logging.getLogger("psc.demo")


class VirtualPhones:
    """The phones of all of them; a browser with its cookies for each."""

    def __init__(self, dep: Deployment, everybody: list[Person]) -> None:
        self._dep = dep
        self._people = {person.id: person for person in everybody if person.enrolled}
        self._tried: dict[str, int] = {}

    def turn(self) -> int:
        """Answer what waits; returns how many requests were approved."""
        return sum(self._try(approval_id, self._people[person]) for approval_id, person in self._waiting())

    def _waiting(self) -> list[tuple[str, int]]:
        pending = select(Approval.id, Approval.practitioner_id).where(
            Approval.state == PENDING, Approval.quiet.is_(False), Approval.expires_at > self._dep.clock.now()
        )
        with reading(self._dep.engine) as db:
            rows = db.execute(pending.where(Approval.practitioner_id.in_(self._people))).tuples().all()
        return [(row[0], row[1] or 0) for row in rows if self._tried.get(row[0], 0) < TRIES]

    def _try(self, approval_id: str, person: Person) -> bool:
        self._tried[approval_id] = self._tried.get(approval_id, 0) + 1
        try:
            self._approve(approval_id, person)
        except (requests.RequestException, LookupError, ValueError) as problem:
            # Somebody else may have answered it, or the desktop asked again.
            logger.warning("a request was not approved: %s", type(problem).__name__)
            return False
        return True

    def _approve(self, approval_id: str, person: Person) -> None:
        dep, base = self._dep, self._dep.settings.issuer.wallet_base
        with requests.Session() as phone:
            phone.cookies.set("psc-phone", people.phone_token(dep.vault, person))
            token = _csrf(_sent(phone.get(f"{base}/phone", timeout=5)).text)
            shown = approval_codes.number(dep.vault, approval_id, compatible=dep.settings.policy.compatible_approval)
            here = f"{base}/phone/{approval_id}"
            _sent(phone.post(f"{here}/number", data={"csrf_token": token, "number": shown}, timeout=5))
            headers = {"X-CSRF-Token": token, "Accept": "application/json"}
            options = _sent(phone.post(f"{here}/proof/options", headers=headers, timeout=5)).json()
            answer = people.passkey(dep, person).get(options, origin=base)
            form = {"csrf_token": token, "credential": json.dumps(answer)}
            _sent(phone.post(f"{here}/approve", data=form, timeout=5))


def _sent(answer: requests.Response) -> requests.Response:
    answer.raise_for_status()
    return answer


def _csrf(text: str) -> str:
    """The token of the page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    if found is None:
        raise LookupError("no form on the phone's page")
    return found[1]


def main(data: Path) -> None:
    """Play until told to stop."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_parent()
    logs.install()
    dep = open_deployment(room.load(data / "psc.toml"))
    with reading(dep.engine) as db:
        phones = VirtualPhones(dep, people.chosen(db))
    while not stop.wait(LOOK_SECONDS):
        phones.turn()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
