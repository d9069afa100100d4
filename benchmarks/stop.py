"""`python -m benchmarks.stop`: from the commit of a suspension to "service told", by `psc worker` and real receivers.

Each round suspends a person signed in at all services. In the second kind of round some services never answer and
some are gone; what matters is that the others hear as soon as in the first kind. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, cast

from benchmarks.servers import address
from pro_sante_connect import settings
from pro_sante_connect.app import open_deployment
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import practice
from pro_sante_connect.signals.models import Lease
from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.world import World

GONE = 9  # discard: nobody listens


@dataclass
class Receivers:
    """All services behind one port, told apart by their path; `slow` ones never answer."""

    port: int = 0
    came: dict[str, float] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    ready: Event = field(default_factory=Event)

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            name = (await reader.readline()).split(b" ")[1].decode().strip("/")
            self.came.setdefault(name, time.perf_counter())
            if name in self.slow:
                await asyncio.sleep(30)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        writer.close()


@dataclass
class House:
    """A store with one person and many services, and a worker on it."""

    people: Cast
    receivers: Receivers
    services: list[str]

    def round(self, bad: set[str], patience: float) -> list[float]:
        """Seconds from the commit until each good service was called, in ascending order."""
        people, engine = self.people, self.people.world.engine
        with contextlib.suppress(Exception):
            self._decide(decisions.reinstate)
        sid = people.sign_in()
        for name in self.services:
            people.code(name, sid)
        self.receivers.came.clear()
        time.sleep(0.01)
        began = self._decide(decisions.suspend)
        good = set(self.services) - bad
        while not good <= self.receivers.came.keys() and time.perf_counter() - began < patience:
            time.sleep(0.01)
        missing = good - self.receivers.came.keys()
        if missing:
            print(f"  {len(missing)} services were not told within {patience} s")
        with reading(engine):
            return sorted(self.receivers.came[name] - began for name in good - missing)

    def _decide(self, verb: Any) -> float:
        world = self.people.world
        with writing(world.engine) as db:
            someone = registry.get(db, self.people.practitioner)
            practice.decide(db, someone, verb, reason="BENCH", origin=SYSTEM, now=world.now)
        return time.perf_counter()

    def move(self, gone: set[str]) -> None:
        """These listen nowhere any more."""
        with writing(self.people.world.engine) as db:
            for row in db.query(Client).filter(Client.id.in_(self.services)):
                port = GONE if row.id in gone else self.receivers.port
                row.backchannel_logout_uri = f"http://127.0.0.1:{port}/{row.id}"


def house(store: str, folder: Path, receivers: Receivers, count: int) -> tuple[House, dict[str, str]]:
    place = f"127.0.0.1:{receivers.port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PSC_")} | {
        "PSC_DATABASE_URL": address(store, folder, "stop"), "PSC_SECRETS_FILE": str(folder / f"{store}.secrets"),
        "PSC_OUTBOUND_EXEMPT": f"{place},127.0.0.1:{GONE}",
    }  # fmt: skip
    for command in (["database", "upgrade"], ["keys", "init"]):
        subprocess.run([sys.executable, "-m", "pro_sante_connect", *command], env=environment, check=True, stdout=-3)
    dep = open_deployment(settings.read({}, environment))
    people = make_cast(cast(Any, World)(dep, SystemClock(), SystemChance()))
    names = [f"service-{number}" for number in range(count)]
    with writing(dep.engine) as db:
        for name in names:
            wish = registration.Wish(
                client_id=name, name_fr=name, profile="psc", redirect_uris=(CALLBACK,),
                backchannel_logout_uri=f"http://{place}/{name}",
            )  # fmt: skip
            registration.register(db, wish, exempt=(place,), origin=SYSTEM, chance=dep.chance, now=dep.clock.now())
    return House(people, receivers, names), environment


def measure(store: str, folder: Path, chosen: argparse.Namespace) -> None:
    receivers = Receivers()
    Thread(target=receivers.run, daemon=True).start()
    receivers.ready.wait()
    built, environment = house(store, folder, receivers, chosen.receivers)
    slow = set(built.services[:: max(1, round(1 / chosen.slow))]) if chosen.slow else set()
    left = [name for name in built.services if name not in slow]
    gone = set(left[1 :: max(1, round(1 / chosen.dead))]) if chosen.dead else set()
    worker = subprocess.Popen([sys.executable, "-m", "pro_sante_connect", "worker"], env=environment, stderr=-3)
    try:
        while not _leads(built):
            time.sleep(0.05)
        p99 = {}
        for title, bad in (("all answer", set()), (f"{len(slow)} hang, {len(gone)} are gone", slow | gone)):
            receivers.slow = slow & bad
            built.move(gone & bad)
            rounds = [built.round(bad, chosen.patience) for _ in range(chosen.rounds)]
            p99[title] = median(_at(one, 0.99) for one in rounds)
            shares = ", ".join(
                f"p{share * 100:g} {median(_at(one, share) for one in rounds):.2f} s" for share in SHARES
            )
            print(f"{store}: {len(built.services)} services, {title}: {shares}")
        first, second = p99.values()
        print(f"{store}: the good ones' p99 beside bad ones is {second / first:.2f} times that without")
    finally:
        worker.terminate()
        worker.wait()
        built.people.world.engine.dispose()


SHARES = (0.5, 0.9, 0.99, 1.0)


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def _leads(built: House) -> bool:
    with reading(built.people.world.engine) as db:
        return db.query(Lease).count() > 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stop", description=__doc__)
    parser.add_argument("--receivers", type=int, default=500)
    parser.add_argument("--slow", type=float, default=0.05, help="share that never answers")
    parser.add_argument("--dead", type=float, default=0.02, help="share that is gone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    for store in chosen.stores:
        with tempfile.TemporaryDirectory() as folder:
            measure(store, Path(folder), chosen)


if __name__ == "__main__":
    main()
