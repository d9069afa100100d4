"""Signing keys: made, published first, then active, then retired.

made ── published in the JWKS ── active_from ── next key's active_from ── unpublished_at ── kept, unpublished
                                 signs                    verifies only       old logout hints are still ours
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import orjson
from joserfc.jwk import ECKey, KeyParameters, RSAKey
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import SYSTEM, Origin, record
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.clock import Clock
from pro_sante_connect.core.once import remember
from pro_sante_connect.core.vault import Purpose, Vault
from pro_sante_connect.oidc.models import SigningKey
from pro_sante_connect.oidc.vocabulary import SIGNING_ALGORITHMS

PrivateKey = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Key:
    """A loaded key pair: parsing one costs 65 ms, so it is done once a process."""

    kid: str
    algorithm: str
    private: PrivateKey
    public: dict[str, Any]
    active_from: datetime
    unpublished_at: datetime | None


def make(db: Session, algorithm: str, *, active_from: datetime, vault: Vault, chance: Chance, now: datetime) -> str:
    """A new key pair, sealed; returns its kid."""
    kid = chance.token(12)
    parameters: KeyParameters = {"kid": kid, "use": "sig", "alg": algorithm}
    curve = algorithm == "ES256"
    key = ECKey.generate_key("P-256", parameters) if curve else RSAKey.generate_key(2048, parameters)
    db.add(
        SigningKey(
            kid=kid,
            algorithm=algorithm,
            sealed=vault.seal(key.as_pem(private=True), purpose=Purpose.SIGNING_KEY),
            public=dict(key.as_dict(private=False)),
            created_at=now,
            active_from=active_from,
        )
    )
    return kid


def ensure(db: Session, *, vault: Vault, chance: Chance, now: datetime) -> None:
    """First start: one key per algorithm, active at once since nobody has cached a JWKS.

    Of several workers that start at once, one makes them; the others wait for its commit.
    """
    known = set(db.scalars(select(SigningKey.algorithm)))
    for algorithm in SIGNING_ALGORITHMS:
        if algorithm not in known and remember(db, "first-key", algorithm, expires_at=now + timedelta(days=1)):
            kid = make(db, algorithm, active_from=now, vault=vault, chance=chance, now=now)
            record(db, Event.KEY_MADE, f"key:{kid}", now=now, algorithm=algorithm)


def rotate(
    db: Session,
    *,
    notice: timedelta,
    longest: timedelta,
    vault: Vault,
    chance: Chance,
    origin: Origin = SYSTEM,
    now: datetime,
) -> list[str]:
    """A successor for every algorithm: published now, signing after `notice`; the old ones stay `longest` more."""
    kids = []
    for algorithm in SIGNING_ALGORITHMS:
        starts = now + notice
        db.execute(
            update(SigningKey)
            .where(SigningKey.algorithm == algorithm, SigningKey.unpublished_at.is_(None))
            .values(unpublished_at=starts + longest)
        )
        kids.append(make(db, algorithm, active_from=starts, vault=vault, chance=chance, now=now))
        record(db, Event.KEY_MADE, f"key:{kids[-1]}", now=now, origin=origin, algorithm=algorithm)
    return kids


class KeyRing:
    """The deployment's keys, reloaded when older than `age`."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock, age: timedelta = timedelta(seconds=10)) -> None:
        self._engine, self._vault, self._clock, self._age = engine, vault, clock, age
        self._lock = Lock()
        self._keys: dict[str, Key] = {}
        self._loaded_at: datetime | None = None
        self._jwks = b""

    def _all(self) -> dict[str, Key]:
        now = self._clock.now()
        if self._loaded_at is None or now - self._loaded_at >= self._age:
            with self._lock, self._engine.connect() as db:
                self._keys = {row.kid: self._load(row) for row in _stored(db)}
                self._loaded_at = now
            self._jwks = orjson.dumps({"keys": self.published()})
        return self._keys

    def _load(self, row: Any) -> Key:
        held = self._keys.get(row.kid)
        private = held.private if held else self._parse(row)  # dates change, key pairs do not
        return Key(row.kid, row.algorithm, private, row.public, row.active_from, row.unpublished_at)

    def _parse(self, row: Any) -> PrivateKey:
        kind: type[PrivateKey] = ECKey if row.algorithm == "ES256" else RSAKey
        pem = self._vault.open(row.sealed, purpose=Purpose.SIGNING_KEY)
        return kind.import_key(pem, {"kid": row.kid, "use": "sig", "alg": row.algorithm})

    def signer(self, algorithm: str) -> Key:
        """The youngest active key of that algorithm."""
        now = self._clock.now()
        active = [key for key in self._all().values() if key.algorithm == algorithm and key.active_from <= now]
        return max(active, key=lambda key: key.active_from)

    def can_sign(self) -> bool:
        """There is an active key of every kind."""
        now = self._clock.now()
        active = {key.algorithm for key in self._all().values() if key.active_from <= now}
        return active.issuperset(SIGNING_ALGORITHMS)

    def verifier(self, kid: str, *, retired: bool = False) -> Key | None:
        """The published key of that kid; `retired` also finds unpublished ones."""
        key = self._all().get(kid)
        return key if key is not None and (retired or self._published(key)) else None

    def jwks(self) -> bytes:
        """The published keys as a document (RFC 7517 §5), at most `age` old."""
        self._all()
        return self._jwks

    def published(self) -> list[dict[str, Any]]:
        """Public JWKs, newest first."""
        keys = sorted(self._all().values(), key=lambda key: (key.active_from, key.kid), reverse=True)
        return [key.public for key in keys if self._published(key)]

    def _published(self, key: Key) -> bool:
        return key.unpublished_at is None or key.unpublished_at > self._clock.now()


def _stored(db: Connection) -> list[Any]:
    return list(db.execute(select(SigningKey.__table__)))
