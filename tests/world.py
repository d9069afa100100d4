"""The world a test lives in: a frozen clock, seeded chance, one store, one deployment."""

import base64
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from pro_sante_connect.core.chance import READABLE
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.settings import Settings

START = datetime(2030, 3, 5, 8, 0, tzinfo=UTC)


class FrozenClock:
    """Moves only when told."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


class SeededChance:
    """The same values at every run."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)

    def token(self, size: int = 32) -> str:
        return base64.urlsafe_b64encode(self.random.randbytes(size)).rstrip(b"=").decode()

    def digits(self, count: int) -> str:
        return "".join(self.random.choice("0123456789") for _ in range(count))

    def letters(self, count: int) -> str:
        return "".join(self.random.choice(READABLE) for _ in range(count))

    def uuid(self) -> str:
        return str(UUID(bytes=self.random.randbytes(16), version=4))

    def bytes(self, size: int) -> bytes:
        return self.random.randbytes(size)

    def shuffled(self, items: list[str]) -> list[str]:
        return self.random.sample(items, len(items))


@dataclass
class World:
    """What a test may touch."""

    dep: Deployment
    clock: FrozenClock
    chance: SeededChance

    @property
    def engine(self) -> Engine:
        return self.dep.engine

    @property
    def now(self) -> datetime:
        return self.clock.now()


def make_world(engine: Engine, settings: Settings | None = None) -> World:
    clock, chance = FrozenClock(), SeededChance()
    dep = Deployment(
        settings=settings or Settings(), engine=engine, clock=clock, chance=chance, vault=vault_of((b"k" * 32,))
    )
    return World(dep, clock, chance)
