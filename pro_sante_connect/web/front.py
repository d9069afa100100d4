"""The hot machine addresses before Flask: same functions, limits and headers as Flask's routes, less work.

Deleting it changes nothing but speed: `web/endpoints/machines.py` answers the same routes.
"""

import logging
import time
from dataclasses import replace

from pro_sante_connect.core.logs import facts
from pro_sante_connect.oidc.endpoints.http import Answer, MachineRequest
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.web.endpoints import machines
from pro_sante_connect.web.logs import reference

logger = logging.getLogger("psc.web")


class Front:
    """Answers the machine routes, by path."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._impatient = machine, replace(machine, waits=False)
        self._routes = machines.routes(machine.dep.settings.issuer)
        self._proxies = machine.dep.settings.server.trusted_proxies
        self.paths = frozenset(self._routes)

    def answer(self, path: str, asked: MachineRequest, *, wait: bool = True) -> Answer:
        """The whole answer, logged. Without `wait` raises `Contended` where another writer is at work."""
        began, number = time.perf_counter(), reference(self._machine.dep.chance)
        machine = self._machine if wait else self._impatient
        found = machines.answer(machine, self._routes[path], asked, number=number)
        if logger.isEnabledFor(logging.INFO):
            told = facts(
                request=number, method=asked.method[:10], route=path, status=found.status,
                ms=round((time.perf_counter() - began) * 1000, 1), address=asked.address, **found.log,
            )  # fmt: skip
            logger.info("request", extra=told)
        return found

    def too_large(self, path: str) -> Answer:
        """For a body that was not read."""
        return machines.too_large(self._routes[path])

    def address(self, peer: str, forwarded: str) -> str:
        """The caller's; X-Forwarded-For counts only from a configured proxy."""
        return forwarded.rpartition(",")[2].strip()[:45] if forwarded and peer in self._proxies else peer
