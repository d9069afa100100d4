"""Registered clients as the store has them, each kept as a frozen value for a few seconds.

A disabled or edited client must stop at once: `liveness` reads `version` and `disabled_at` with everything else,
and other uses ask for the version (`Machine.current`).
"""

from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Connection, bindparam, select

from pro_sante_connect.core.clock import Clock
from pro_sante_connect.core.statement import Statement
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.oidc.profile import PROFILES
from pro_sante_connect.oidc.relying_party import RelyingParty
from pro_sante_connect.oidc.vocabulary import AuthMethod

__all__ = ["Clients", "RelyingParty", "relying_party"]


_columns = [column.name for column in Client.__table__.columns]


def relying_party(row: Client) -> RelyingParty:
    """The value of a stored client."""
    values = {name: getattr(row, name) for name in _columns if name in RelyingParty.__dataclass_fields__}
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    values["profile"] = PROFILES[row.profile]
    values["auth_method"] = AuthMethod(row.auth_method)
    return RelyingParty(**values)


_version = Statement(select(Client.version).where(Client.id == bindparam("id"), Client.disabled_at.is_(None)))


class Clients:
    """Clients by id. A copy lives at most `age`."""

    def __init__(self, clock: Clock, age: timedelta = timedelta(seconds=5)) -> None:
        self._clock, self._age, self._lock = clock, age, Lock()
        self._known: dict[str, tuple[datetime, RelyingParty]] = {}
        self._origins: tuple[datetime, frozenset[str]] | None = None

    def held(self, client_id: str) -> RelyingParty | None:
        """A young copy of an enabled client, without asking the store."""
        known = self._known.get(client_id)
        young = known is not None and self._clock.now() - known[0] < self._age
        return known[1] if known is not None and young and known[1].disabled_at is None else None

    def find(self, db: Connection, client_id: str) -> RelyingParty | None:
        """The enabled client of that id, perhaps a few seconds old."""
        return self.held(client_id) or self.load(db, client_id)

    def current(self, db: Connection, client_id: str) -> RelyingParty | None:
        """The enabled client of that id as the store has it at this moment."""
        held = self.held(client_id)
        return held if held is not None and self.version(db, client_id) == held.version else self.load(db, client_id)

    def load(self, db: Connection, client_id: str) -> RelyingParty | None:
        """The same, from the store."""
        now = self._clock.now()
        row = db.execute(select(Client.__table__).where(Client.id == client_id)).first()
        if row is None:
            self._known.pop(client_id, None)
            return None
        party = relying_party(row)  # type: ignore[arg-type]  # a row has the model's names
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[client_id] = (now, party)
        return party if party.disabled_at is None else None

    def version(self, db: Connection, client_id: str) -> int | None:
        """The stored record's version; None for a disabled or unknown client."""
        row = _version.one(db, id=client_id)
        return None if row is None else int(row[0])

    def origins(self, db: Connection) -> frozenset[str]:
        """Browser origins of all enabled clients, perhaps a few seconds old."""
        now = self._clock.now()
        if self._origins is None or now - self._origins[0] >= self._age:
            rows = db.scalars(select(Client.web_origins).where(Client.disabled_at.is_(None)))
            self._origins = (now, frozenset(origin for row in rows for origin in row))
        return self._origins[1]
