"""How often a person may try, per means: at most five quick tries, then pauses of 30 s growing to 1 h.

A try is reserved and committed before it is looked at, so parallel guesses and refusals cannot take it back.
After 100 failures in a row the means is closed until it is bound anew. Names are made of what was typed, so a
number that nobody bears is counted exactly like one that somebody does. A browser where the person signed in before
(`familiar`) has counters of its own: strangers close a means for strangers, not for her.
"""

import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin
from pro_sante_connect.core import counters
from pro_sante_connect.core.counters import network
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import notices
from pro_sante_connect.rpps.identifiers import parse_typed

QUICK = 5
LIMIT = 100  # NIST SP 800-63B-4 §3.2.2
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
ADDRESS_LIMIT, ADDRESS_WINDOW = 30, timedelta(minutes=10)


class Way(StrEnum):
    """A means with a counter of its own. Passkeys have none: they cannot be guessed, so they always work."""

    CODES = "codes"
    PIN = "pin"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A try that may be looked at now: the `number`-th in a row without a success."""

    person: str
    way: Way
    number: int
    browser: str = ""


def person_of(typed: str) -> str:
    """One name for all spellings of an identifier: spaces, prefix, case, Unicode form."""
    squeezed = "".join(unicodedata.normalize("NFKC", typed).split())
    with suppress(Refusal):  # nonsense is counted as it stands: whoever types it learns nothing either
        squeezed = parse_typed(squeezed)
    return digest(squeezed.casefold())[:32]


def pause_after(failures: int) -> timedelta | None:
    """How long the means rests after that many failures in a row; None while tries are quick."""
    if failures < QUICK:
        return None
    doublings: int = min(failures - QUICK, 10)
    return min(SHORTEST * (1 << doublings), LONGEST)


def reserve(
    dep: Deployment, person: str, way: Way, *, paused: str, bearer: int | None, browser: str = "", origin: Origin
) -> Reserved:
    """Count one more try and commit it; refuses with the code `paused` (minutes) while the means rests, and the
    journal hears of it. `bearer` is the practitioner of that name, if there is one; `browser` a familiar one."""
    now = dep.clock.now()
    try:
        with writing(dep.engine) as db:
            number = _reserve(db, _name(person, way, browser), paused=paused, now=now)
    except Refusal:
        with writing(dep.engine) as db:
            notices.refused(db, bearer, means=way.value, reason=paused, origin=origin, now=now)
        raise
    return Reserved(person, way, number, browser)


def _reserve(db: Session, name: str, *, paused: str, now: datetime) -> int:
    # The increment holds the row: what follows is decided alone. A refusal rolls the increment back,
    # so only tries that are looked at count, and hammering a closed door does not close it for longer.
    number = counters.reserve(db, name, window=None, now=now)
    until = counters.closed_until(db, name, now=now)
    if number > LIMIT:
        until = now + LONGEST
    if until is not None:
        raise Refusal(paused, minutes=minutes(until - now))
    pause = pause_after(number)
    if pause is not None:
        counters.close(db, name, until=now + pause)
    return number


def failed(reserved: Reserved, *, refused: str, paused: str) -> Refusal:
    """What to say after a failure: the tries left, or the pause that has begun."""
    pause = pause_after(reserved.number)
    if pause is None:
        return Refusal(refused, tries_left=QUICK - reserved.number)
    return Refusal(paused, minutes=minutes(pause))


def minutes(span: timedelta) -> int:
    """Whole minutes to wait, rounded up."""
    return -int(-span.total_seconds() // 60)


def forgive(db: Session, reserved: Reserved) -> int:
    """This try succeeded with this very means; the other means keep their count. How many failures that forgives.

    A success in a familiar browser forgives strangers too, but does not open what they closed for good.
    """
    failures = counters.reset(db, _name(reserved.person, reserved.way, reserved.browser)) - 1
    if reserved.browser:
        failures += counters.reset(db, _name(reserved.person, reserved.way), below=LIMIT)
    return failures


def bound_anew(db: Session, person: str) -> None:
    """A new card: every means of the person starts afresh, in every browser."""
    for way in Way:
        counters.reset(db, _name(person, way))
        counters.reset_all(db, f"{_name(person, way)}:")


def _name(person: str, way: Way, browser: str = "") -> str:
    return f"{way.value}:{person}" + (f":{browser}" if browser else "")


def by_address(dep: Deployment, purpose: str, *, event: Event, refused: str, origin: Origin) -> None:
    """Count and commit one act from an address; above the limit, record `event` and refuse with `refused`."""
    now = dep.clock.now()
    with writing(dep.engine) as db:
        number = _windowed(db, f"{purpose}:address:{network(origin.address)}", ADDRESS_WINDOW, now)
        if number > ADDRESS_LIMIT:
            journal.record(db, event, notices.NOBODY, now=now, origin=origin, reason="address-throttled")
    if number > ADDRESS_LIMIT:
        raise Refusal(refused)


def within(db: Session, purpose: str, person: str, *, limit: int, window: timedelta, now: datetime) -> bool:
    """Count one act about a person; False above the limit. The row stays held until the caller commits."""
    return _windowed(db, f"{purpose}:{person}", window, now) <= limit


def one_at_a_time(db: Session, purpose: str, person: str, *, now: datetime) -> None:
    """Acts about one person follow one another until each has committed; no act is refused for it."""
    counters.hold(db, f"{purpose}:{person}", now=now)


def so_far(db: Session, name: str, *, window: timedelta, now: datetime) -> tuple[int, timedelta]:
    """How many acts were counted since the window opened, and how long until it ends. Counts nothing."""
    counter = db.get(counters.Counter, name, populate_existing=True)
    if counter is None or counter.since <= now - window:
        return 0, window
    return counter.count, counter.since + window - now


def _windowed(db: Session, name: str, window: timedelta, now: datetime) -> int:
    return counters.reserve(db, name, window=window, now=now)
