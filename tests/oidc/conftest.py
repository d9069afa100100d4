"""The cast of protocol tests."""

import pytest

from tests.oidc.parties import Cast, make_cast
from tests.world import World


@pytest.fixture
def cast(world: World) -> Cast:
    return make_cast(world)
