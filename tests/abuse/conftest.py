"""One running provider for a file of hostile requests, on each store; a minute passes between two tests."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.oidc.parties import Cast, make_cast
from tests.serving import Served, serving
from tests.stores import STORES, empty


@pytest.fixture(scope="module", params=STORES)
def served(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Iterator[Served]:
    with serving(engines[request.param]) as running:
        yield running
    empty(engines[request.param])


@pytest.fixture(scope="module")
def people(served: Served) -> Cast:
    cast = make_cast(served.world)
    cast.machine = served.app.extensions["psc"].machine
    return cast


@pytest.fixture(autouse=True)
def a_minute_passes(served: Served) -> None:
    """Counters of guesses start anew."""
    served.world.clock.advance(61)
