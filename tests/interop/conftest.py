"""Client emulations: HTTP only; against the running demo, or a house of its own where the clock must move."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.demo.conftest import demo as demo  # noqa: PLC0414 - the fixture
from tests.interop.house import House
from tests.serving import serving


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with serving(engine) as served:
        yield House(served, tmp_path)
