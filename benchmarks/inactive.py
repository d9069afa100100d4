"""`python -m benchmarks.inactive`: from the commit of a suspension to "introspection inactive", under load.

Two workers answer introspections on eight other connections as fast as they can meanwhile. An answer "active" to a
question asked after the commit is a survivor; there is to be none. Nothing is asserted.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from benchmarks.load import CONNECTIONS, Connection
from benchmarks.ours import ours
from benchmarks.servers import Server
from benchmarks.works import introspection
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from tests.oidc.parties import Cast
from tests.stores import STORES

PORT = 9471


@contextmanager
def load(server: Server, asked: bytes) -> Iterator[None]:
    """The same question on every connection, until the end."""
    over = Event()

    def ask() -> None:
        connection = Connection(server.base)
        while not over.is_set():
            connection.send(asked)
        connection.close()

    threads = [Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def rounds(server: Server, count: int) -> tuple[list[float], int]:
    """Seconds from each commit to the first answer "inactive", ascending; and the survivors."""
    people: Cast = server.notes["cast"]
    waits, survivors = [], 0
    with load(server, introspection(server, _token(people, server))):
        connection = Connection(server.base)
        for _ in range(count):
            question = introspection(server, _token(people, server))
            if not json.loads(connection.send(question).body)["active"]:
                raise RuntimeError("not active to begin with")
            began = _decide(people, decisions.suspend)
            while json.loads(connection.send(question).body)["active"]:
                survivors += 1
            waits.append(time.perf_counter() - began)
            _decide(people, decisions.reinstate)
        connection.close()
    return sorted(waits), survivors


def _token(people: Cast, server: Server) -> str:
    return str(people.tokens(server.client, people.sign_in())["access_token"])


def _decide(people: Cast, verb: Any) -> float:
    with writing(people.world.engine) as db:
        person = registry.get(db, people.practitioner)
        practice.decide(db, person, verb, reason="BENCH", origin=SYSTEM, now=people.world.now)
    return time.perf_counter()


def main() -> None:
    """Print a line for each store."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inactive", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    chosen = parser.parse_args()
    for place, store in enumerate(STORES):
        with tempfile.TemporaryDirectory() as folder:
            server = ours(store, "ES256", port=PORT + place, folder=Path(folder), workers=2)
            try:
                waits, survivors = rounds(server, chosen.rounds)
            finally:
                server.stop()
                server.notes["cast"].world.engine.dispose()
        shares = ", ".join(
            f"p{share * 100:g} {1000 * waits[min(len(waits) - 1, int(len(waits) * share))]:.1f} ms"
            for share in (0.5, 0.9, 0.99)
        )
        print(f"{store}: {len(waits)} suspensions, {shares}; asked after the commit and still active: {survivors}")


if __name__ == "__main__":
    main()
