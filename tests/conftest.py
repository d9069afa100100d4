"""Fixtures every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from tests.relay import relay as listening
from tests.stores import STORES, empty, store
from tests.world import World, make_world

# The same examples on every run, and no stop-watch: a green suite stays green on a busy machine.
# `make test-full` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("seeking", settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


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
