"""Fixtures every test may use."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from tests.relay import relay as listening
from tests.serving import Served, serving
from tests.stores import STORES, empty, store
from tests.world import World, make_world

# The same examples on every run, and no stop-watch: a green suite stays green on a busy machine.
# `make test-full` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("seeking", settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def _at_home(place: socket.socket, address: Any) -> bool:
    """A unix socket, or an address of this machine."""
    if place.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """The suite needs no network and reaches none: what leaves this machine is a fault of the test or the code."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _kept_home(getattr(socket.socket, name)))
        yield


def _kept_home(method: Any) -> Any:
    def guarded(place: socket.socket, address: Any) -> Any:
        assert _at_home(place, address), f"a test reaches for {address}"
        return method(place, address)

    return guarded


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
def served(engine: Engine) -> Iterator[Served]:
    """The whole application on a socket."""
    with serving(engine) as running:
        yield running


@pytest.fixture
def relay() -> Iterator[Any]:
    """A mail relay that writes down what it hears."""
    with listening() as server:
        yield server
