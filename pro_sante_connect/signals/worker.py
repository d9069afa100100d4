"""The one worker: deliver, seal, purge, sleep. Several hosts may start it; a lease lets one work.

start ── lease free? ──no── wait
             └──yes── deliver what is due ── seal ── purge ── sleep ── again
SIGTERM ── finish the note in hand ── give the lease back ── end
"""

import logging
import signal
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy.exc import DBAPIError, TimeoutError

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.signals import lease
from pro_sante_connect.signals.delivery import BATCH, deliver_due
from pro_sante_connect.signals.housekeeping import purge, seal_journal
from pro_sante_connect.signals.transport import Transport, transport_of

logger = logging.getLogger("psc.signals")

NAME = "signals-worker"
HELD = timedelta(seconds=60)
RENEW = timedelta(seconds=20)
SEAL_EVERY = timedelta(seconds=5)
WALK_EVERY = timedelta(hours=1)
PURGE_EVERY = timedelta(minutes=10)
IDLE_SECONDS = 0.5
STANDBY_SECONDS = 5.0


class Worker:
    """One process's worker; `turn` is one round, `run` goes on until `stop`."""

    def __init__(self, dep: Deployment, *, transport: Transport | None = None) -> None:
        self._dep = dep
        self._transport = transport or transport_of(dep.settings.messages, dep.engine)
        self._holder = dep.chance.uuid()
        self._done: dict[str, datetime] = {}
        self.stop = Event()

    def run(self) -> None:
        """Until told to stop; a store that does not answer is waited for."""
        while not self.stop.is_set():
            try:
                pause = self.turn()
            except (DBAPIError, TimeoutError) as problem:
                logger.warning("the store does not answer: %s", type(problem).__name__)
                pause = STANDBY_SECONDS
            self.stop.wait(pause)
        self._leave()

    def turn(self) -> float:
        """One round; returns how many seconds to sleep before the next."""
        if not self._leads():
            return STANDBY_SECONDS
        taken = deliver_due(self._dep, self._transport)
        if self._due("seal", SEAL_EVERY):
            seal_journal(self._dep, everything=self._due("walk", WALK_EVERY))
        if self._due("purge", PURGE_EVERY):
            purge(self._dep)
        return 0.0 if taken == BATCH else IDLE_SECONDS

    def _due(self, what: str, every: timedelta) -> bool:
        now = self._dep.clock.now()
        last = self._done.get(what)
        if last is not None and now - last < every:
            return False
        self._done[what] = now
        return True

    def _leads(self) -> bool:
        """Hold the lease; renewed well before it ends, so that an idle worker seldom writes."""
        now = self._dep.clock.now()
        renewed = self._done.get("lease")
        if renewed is not None and now - renewed < RENEW:
            return True
        with writing(self._dep.engine) as db:
            held = lease.hold(db, NAME, self._holder, until=now + HELD, now=now)
        if held:
            self._done["lease"] = now
        else:
            self._done.pop("lease", None)
        return held

    def _leave(self) -> None:
        try:
            with writing(self._dep.engine) as db:
                lease.release(db, NAME, self._holder)
        except (DBAPIError, TimeoutError):
            logger.warning("the lease runs out by itself: the store does not answer")


def run(dep: Deployment) -> None:
    """The process's main: SIGTERM and SIGINT end it after the note in hand."""
    worker = Worker(dep)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop.set())
    worker.run()
