"""Fixtures every test may use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.relay import relay as listening
from tests.stores import STORES, empty, store
from tests.world import World, make_world


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    """Both stores, migrated once."""
    folder: Path = tmp_path_factory.mktemp("stores")
    with store("sqlite", folder, "world") as sqlite, store("postgresql", folder, "world") as postgresql:
        yield {"sqlite": sqlite, "postgresql": postgresql}


@pytest.fixture(params=STORES)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Iterator[Engine]:
    """An empty store; the test runs once on each kind."""
    chosen = engines[request.param]
    yield chosen
    empty(chosen)


@pytest.fixture
def world(engine: Engine) -> World:
    """A deployment on that store with a frozen clock and seeded chance."""
    return make_world(engine)


@pytest.fixture
def relay() -> Iterator[Any]:
    """A mail relay that writes down what it hears."""
    with listening() as server:
        yield server
