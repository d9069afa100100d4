"""Take notes by lease, commit, work outside any transaction, write down how it ended.

    written ── take (lease) ── sent ─────────────── closed
                  ↑              └─ failed ── postponed ── … ── dead
                  └──────────────────────────────┘

A crash between sending and closing sends again once the lease runs out: at least once, never silently none.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from smtplib import SMTPException

from pro_sante_connect.core import outbox
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.core.outbox import Taken
from pro_sante_connect.signals.fan_out import fan_out
from pro_sante_connect.signals.messages import render
from pro_sante_connect.signals.schedule import next_try
from pro_sante_connect.signals.transport import Transport, Undeliverable

logger = logging.getLogger("psc.signals")

BATCH = 20
# A mail relay may hang: what services wait for never stands behind it.
MAIL = ("message:send",)
ENDED = ("session:ended",)
OTHERS = tuple(topic for topic in outbox.TOPICS if topic not in MAIL + ENDED)
# Longer than a batch of messages that all time out.
LEASE = timedelta(minutes=5)


def deliver_due(dep: Deployment, transport: Transport, *, topics: Collection[str] = tuple(outbox.TOPICS)) -> int:
    """One batch of what is due of these topics; returns how many notes were taken."""
    now = dep.clock.now()
    with reading(dep.engine) as db:
        if not outbox.due(db, topics=topics, now=now):
            return 0
    with writing(dep.engine) as db:
        taken = outbox.take(db, topics=topics, limit=BATCH, lease=LEASE, now=now)
    for note in taken:
        _work(dep, transport, note)
    return len(taken)


def _work(dep: Deployment, transport: Transport, note: Taken) -> None:
    try:
        if note.topic == "message:send":
            message = render(note, settings=dep.settings, vault=dep.vault)
            transport.send(message, now=dep.clock.now())
            with writing(dep.engine) as db:
                outbox.close(db, note.id, now=dep.clock.now())
        else:
            with writing(dep.engine) as db:
                fan_out(db, note, issuer=dep.settings.issuer, chance=dep.chance, now=dep.clock.now())
    except (Undeliverable, KeyError, Refusal) as problem:
        # A text that is missing, a person who is gone, an address refused: time mends none of them.
        _bury(dep, note, type(problem).__name__)
    except (OSError, SMTPException) as problem:
        _postpone(dep, note, type(problem).__name__)


def _postpone(dep: Deployment, note: Taken, cause: str) -> None:
    delay = next_try(note.attempts, sealed=note.sealed is not None)
    if delay is None:
        _bury(dep, note, cause)
        return
    logger.warning("note %s waits %s s after attempt %s: %s", note.id, delay.seconds, note.attempts, cause)
    with writing(dep.engine) as db:
        outbox.postpone(db, note.id, until=dep.clock.now() + delay)


def _bury(dep: Deployment, note: Taken, cause: str) -> None:
    logger.error("note %s (%s) is dead after attempt %s: %s", note.id, note.topic, note.attempts, cause)
    with writing(dep.engine) as db:
        outbox.bury(db, note.id, now=dep.clock.now())
