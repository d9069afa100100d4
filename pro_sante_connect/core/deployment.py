"""What one running deployment is made of, put together once in `app.py`."""

from dataclasses import dataclass

from sqlalchemy import Engine

from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.clock import Clock
from pro_sante_connect.core.vault import Vault
from pro_sante_connect.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Handed to verbs that need several transactions of their own; all others take a database session."""

    settings: Settings
    engine: Engine
    clock: Clock
    chance: Chance
    vault: Vault
