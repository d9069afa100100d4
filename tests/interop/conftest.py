"""Client emulations: HTTP only against the running demo; a person signs in by forms."""

from tests.demo.conftest import demo as demo  # noqa: PLC0414 - the fixture
