"""A browser's answer and the one use of its challenge, committed before anything is verified."""

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.ecps import assertion, ceremonies
from pro_sante_connect.ecps.assertion import Presented, Unsound
from pro_sante_connect.ecps.ceremonies import Kind, Opened


def spend(dep: Deployment, kind: Kind, *, binding: str, credential: str) -> tuple[Presented, Opened]:
    """What was presented and what was asked for; raises `Unsound`."""
    presented = assertion.read(credential)
    with writing(dep.engine) as db:
        opened = ceremonies.consume(db, kind, challenge=presented.challenge, binding=binding, now=dep.clock.now())
    if opened is None:
        raise Unsound("challenge")
    return presented, opened
