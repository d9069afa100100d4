"""Exactly once: each one-time value on four connections at the same moment."""

from dataclasses import dataclass

from benchmarks.load import at_once, run
from benchmarks.ours import document
from benchmarks.servers import Server
from benchmarks.works import redemptions, refreshes

SOCKETS = 4


@dataclass(frozen=True, slots=True)
class Raced:
    """Of `values`, how many were honoured more than once; answers that look like a defect."""

    values: int
    codes: int
    refreshes: int
    defects: int


def race(server: Server, values: int) -> Raced:
    """Codes, then refresh tokens of other codes."""
    codes, broken = _twice(server, redemptions(server, values))
    replies = run(server.base, redemptions(server, values), server.processes).replies
    held = [document(reply.body)["refresh_token"] for reply in replies if reply.status == 200]
    rotated, also = _twice(server, refreshes(server, held))
    return Raced(values, codes, rotated, broken + also)


def _twice(server: Server, requests: list[bytes]) -> tuple[int, int]:
    twice = broken = 0
    for one in requests:
        statuses = [reply.status for reply in at_once(server.base, one, SOCKETS)]
        twice += statuses.count(200) > 1
        broken += sum(status >= 500 for status in statuses)
    return twice, broken
