"""Tells services, many at once and each by one call at a time, so that a slow one delays nobody else.

    round (the worker's thread)   write down what came back ── lease what is due for services that are free ── sign
    a lane (a thread of its own)  send, and hand back what came of it; it never sees the store

No transaction is open while anything is sent. A worker that dies loses what it had not written down: the lease runs
out and the same token id goes out again.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from sqlalchemy.orm import Session

from pro_sante_connect.core import logs
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.destinations import Refused
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbound import Failed, Outbound, Outcome
from pro_sante_connect.oidc.tokens.keys import KeyRing
from pro_sante_connect.signals.books import Book, Call, Held, Logouts, Sender
from pro_sante_connect.signals.models import ACKNOWLEDGED
from pro_sante_connect.signals.verdict import NO_ADDRESS, Verdict

logger = logging.getLogger("psc.signals")

LANES = 64


class Post:
    """One worker's lanes. `round` belongs to one thread."""

    def __init__(
        self, dep: Deployment, sender: Sender | None = None, *, book: Book | None = None, lanes: int = LANES
    ) -> None:
        self._dep, self._lanes = dep, lanes
        self._sender = sender or Outbound(dep.settings.outbound.exempt)
        self._book: Book = book or Logouts(dep, KeyRing(dep.engine, dep.vault, dep.clock))
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="post")
        self._back: SimpleQueue[tuple[Held, Verdict]] = SimpleQueue()
        self._sent: dict[str, Held] = {}
        self._failed: set[str] = set()

    def round(self) -> int:
        """Write down, take, send; returns how many are under way."""
        self._settle()
        if len(self._sent) < self._lanes and self._due():
            with writing(self._dep.engine) as db:
                took = self._take(db)
            for taken in took:
                self._send(taken)
        return len(self._sent)

    def wait(self, seconds: float) -> None:
        """Until something came back, or that long."""
        try:
            self._back.put(self._back.get(timeout=seconds))
        except Empty:
            return

    def close(self) -> None:
        """Let what is under way end, and write it down."""
        self._pool.shutdown(wait=True)
        self._settle()

    def _settle(self) -> None:
        """What came back, in one transaction; what the store did not take comes back again."""
        back = []
        while not self._back.empty():
            back.append(self._back.get())
        if not back:
            return
        try:
            with writing(self._dep.engine) as db:
                for taken, verdict in back:
                    self._book.settle(db, taken, verdict, now=self._dep.clock.now())
        except BaseException:
            for one in back:
                self._back.put(one)
            raise
        for taken, verdict in back:
            del self._sent[taken.receiver]
            self._remember(taken, verdict)

    def _patience(self) -> int:
        """How many more lanes may wait for services that failed last time: half of all, so that the others go on."""
        return self._lanes // 2 - len(self._sent.keys() & self._failed)

    def _due(self) -> bool:
        beside = set(self._sent) if self._patience() > 0 else self._sent.keys() | self._failed
        with reading(self._dep.engine) as db:
            return self._book.due(db, beside=beside, now=self._dep.clock.now())

    def _take(self, db: Session) -> list[Held]:
        now, free = self._dep.clock.now(), self._lanes - len(self._sent)
        took = self._book.take(db, beside=self._sent.keys() | self._failed, limit=free, now=now)
        patience = min(self._patience(), free - len(took))
        if self._failed and patience > 0:
            took += self._book.take(db, beside=set(self._sent), among=self._failed, limit=patience, now=now)
        return took

    def _send(self, taken: Held) -> None:
        self._sent[taken.receiver] = taken
        try:
            call = self._book.call(taken, self._sender)
        except Refusal as refusal:  # what is sealed cannot be opened: its stream waits, nobody else
            self._back.put((taken, self._book.judge(Refused(refusal.code), attempts=taken.attempts)))
            return
        if call is None:
            self._back.put((taken, NO_ADDRESS))
        else:
            self._pool.submit(self._lane, taken, call)

    def _lane(self, taken: Held, call: Call) -> None:
        outcome: Outcome = Failed("defect", 0)
        try:
            outcome = call()
        except Exception:
            logger.exception("a defect while telling a service")
        self._back.put((taken, self._book.judge(outcome, attempts=taken.attempts)))

    def _remember(self, taken: Held, verdict: Verdict) -> None:
        if verdict.state == ACKNOWLEDGED:
            self._failed.discard(taken.receiver)
            return
        self._failed.add(taken.receiver)
        facts = logs.facts(
            receiver=taken.receiver, delivery=taken.id, attempt=taken.attempts, state=verdict.state, cause=verdict.cause
        )
        logger.warning("a service was not told", extra=facts)
