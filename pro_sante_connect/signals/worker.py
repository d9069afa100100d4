"""The one worker. Several hosts may start it; a lease lets one work.

start ── lease free? ──no── wait
             └──yes── news:   what follows from notes ── services are told ── sleep ── again
                      chores: mails and text messages ── seal ── purge ── sleep ── again, in a thread of its own
SIGTERM ── finish what is in hand ── give the lease back ── end
"""

import logging
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy.exc import DBAPIError, TimeoutError

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.signals import lease
from pro_sante_connect.signals.books import Pushes, Sender
from pro_sante_connect.signals.delivery import BATCH, ENDED, MAIL, OTHERS, deliver_due
from pro_sante_connect.signals.housekeeping import purge, seal_journal
from pro_sante_connect.signals.post import Post
from pro_sante_connect.signals.transport import Transport, transport_of

logger = logging.getLogger("psc.signals")

NAME = "signals-worker"
HELD = timedelta(seconds=60)
RENEW = timedelta(seconds=20)
SEAL_EVERY = timedelta(seconds=5)
WALK_EVERY = timedelta(hours=1)
PURGE_EVERY = timedelta(minutes=10)
IDLE_SECONDS = 0.5
# What a service waits for at most before anybody looks; three look-ups by an index each time.
LOOK_SECONDS = 0.2
STANDBY_SECONDS = 5.0


class Worker:
    """One process's worker; `turn` is one round of all it does, `run` goes on until `stop`."""

    def __init__(self, dep: Deployment, *, transport: Transport | None = None, sender: Sender | None = None) -> None:
        self._dep = dep
        self._transport = transport or transport_of(dep.settings.messages, dep.engine)
        self._post = Post(dep, sender)
        self._pushes = Post(dep, sender, book=Pushes(dep, KeyRing(dep.engine, dep.vault, dep.clock)))
        self._holder = dep.chance.uuid()
        self._done: dict[str, datetime] = {}
        self._leading = Event()
        self._defect: BaseException | None = None
        self.stop = Event()

    def run(self) -> None:
        """Until told to stop; a store that does not answer is waited for."""
        chores = Thread(target=self._repeat, args=(self._chores, self.stop.wait), name="chores")
        chores.start()
        self._repeat(self._news, self._post.wait)
        chores.join()
        self._leave()
        if self._defect is not None:
            raise self._defect

    def _repeat(self, step: Callable[[], float], idle: Callable[[float], object]) -> None:
        """A defect in one of the two threads ends both, so that somebody starts the process again."""
        try:
            while not self.stop.is_set():
                try:
                    pause = step()
                except (DBAPIError, TimeoutError) as problem:
                    logger.warning("the store does not answer: %s", type(problem).__name__)
                    pause = STANDBY_SECONDS
                (self.stop.wait if pause > IDLE_SECONDS else idle)(pause)
        except BaseException as defect:
            self._defect = defect
            self.stop.set()

    def turn(self) -> float:
        """One round; returns how many seconds to sleep before the next."""
        return STANDBY_SECONDS if self._news() == STANDBY_SECONDS else self._chores()

    def _news(self) -> float:
        if not self._leads():
            return STANDBY_SECONDS
        # Ended sessions first: a load that ends the activities of thousands must not hold them up.
        taken = self._deliver(ENDED)
        taken += self._deliver(OTHERS)
        self._post.round()
        self._pushes.round()
        return 0.0 if taken else LOOK_SECONDS

    def _chores(self) -> float:
        if not self._leading.is_set():
            return IDLE_SECONDS
        taken = self._deliver(MAIL)
        if self._due("seal", SEAL_EVERY):
            seal_journal(self._dep, everything=self._due("walk", WALK_EVERY))
        if self._due("purge", PURGE_EVERY):
            purge(self._dep)
        return 0.0 if taken == BATCH else IDLE_SECONDS

    def _deliver(self, topics: tuple[str, ...]) -> int:
        return deliver_due(self._dep, self._transport, topics=topics)

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
            self._leading.set()
        else:
            self._done.pop("lease", None)
            self._leading.clear()
        return held

    def _leave(self) -> None:
        try:
            self._post.close()
            self._pushes.close()
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
