"""What an answer, or its absence, means for a delivery: values in, a value out."""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from pro_sante_connect.core.destinations import Refused
from pro_sante_connect.core.outbound import Answered, Outcome
from pro_sante_connect.signals.models import ACKNOWLEDGED, DEAD, WAITING
from pro_sante_connect.signals.schedule import next_delivery

LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`delay` is None where nothing is tried again."""

    state: str
    cause: str
    status: int | None = None
    milliseconds: int | None = None
    delay: timedelta | None = None


NO_ADDRESS = Verdict(state=DEAD, cause="address-missing")


def judge(outcome: Outcome, *, attempts: int) -> Verdict:
    """OIDC Back-Channel Logout 1.0 §2.8: 200 (or 204) is well, 400 is for good; time may mend all the rest."""
    if isinstance(outcome, Refused):
        return _again(outcome.code, attempts)
    milliseconds = round(outcome.seconds * 1000)
    if not isinstance(outcome, Answered):
        return _again(outcome.code, attempts, milliseconds=milliseconds)
    if outcome.status in (200, 204):
        return Verdict(state=ACKNOWLEDGED, cause="", status=outcome.status, milliseconds=milliseconds)
    if outcome.status == 400:
        return Verdict(state=DEAD, cause=reason(outcome.body), status=400, milliseconds=milliseconds)
    return _again(f"status-{outcome.status}", attempts, status=outcome.status, milliseconds=milliseconds)


def _again(cause: str, attempts: int, *, status: int | None = None, milliseconds: int | None = None) -> Verdict:
    delay = next_delivery(attempts)
    state = WAITING if delay is not None else DEAD
    return Verdict(state=state, cause=cause, status=status, milliseconds=milliseconds, delay=delay)


def reason(body: bytes) -> str:
    """The receiver's `error` and what it says of it, short and harmless in a terminal, a log and a page."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return "refused"
    if not isinstance(said, dict):
        return "refused"
    words = (said.get(name) for name in ("error", "error_description"))
    text = ": ".join(word for word in words if isinstance(word, str) and word)
    plain = "".join(sign for sign in text if sign.isascii() and sign.isprintable())
    return plain[:LONGEST] or "refused"
