"""When to try again, when to give up. Pure."""

from datetime import timedelta

# Half a day in all: a relay that is mended in the morning still delivers the night's notices.
_DELAYS = (5, 15, 60, 180, 900, 3600, 10_800, 28_800)
# What is sealed holds a code that dies within minutes: nobody wants it tomorrow.
_SEALED = 4
# The first repeats come while the person may still sit at her screen.
_NEWS = (2, 10, 60, 300, 900, 3600, 10_800, 28_800)


def next_delivery(attempts: int) -> timedelta | None:
    """The same for what a service is told: half a day, eight repeats."""
    return timedelta(seconds=_NEWS[attempts - 1]) if attempts <= len(_NEWS) else None


def next_try(attempts: int, *, sealed: bool) -> timedelta | None:
    """How long to wait after that many attempts, or None: it is dead."""
    delays = _DELAYS[:_SEALED] if sealed else _DELAYS
    return timedelta(seconds=delays[attempts - 1]) if attempts <= len(delays) else None
