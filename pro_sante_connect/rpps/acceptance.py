"""Publishing what the guards held. Somebody looked at a held load: it is these files, for these reasons, once.

Whoever has not seen a hold cannot accept it: there is no way to say yes beforehand.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import update
from sqlalchemy.orm import Session

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.models import ACCEPTED, HELD, Load


def held(db: Session, load: int) -> Load:
    """That load, while it waits for a human; refuses `load-unknown` and `load-not-held`."""
    found = db.get(Load, load)
    if found is None:
        raise Refusal("load-unknown", load=load)
    if found.state != HELD:
        raise Refusal("load-not-held", load=load, state=found.state)
    return found


def same_files(db: Session, load: int, files: Iterable[Mapping[str, Any]]) -> None:
    """Refuses `load-other-files` unless every file has the sum of the one that was looked at."""
    before = {(one["part"], one["sha256"]) for one in held(db, load).files}
    if before != {(one["part"], one["sha256"]) for one in files}:
        raise Refusal("load-other-files", load=load)


def same_reasons(db: Session, load: int, reasons: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Refuses `load-other-reasons`: the registry may have moved since."""
    if orjson.loads(orjson.dumps(list(reasons))) != held(db, load).report["reasons"]:
        raise Refusal("load-other-reasons", load=load)


def spend(db: Session, load: int) -> None:
    """A held load is accepted once."""
    spent = update(Load).where(Load.id == load, Load.state == HELD).values(state=ACCEPTED).returning(Load.id)
    if db.scalars(spent.execution_options(synchronize_session=False)).first() is None:
        raise Refusal("load-not-held", load=load, state=ACCEPTED)
