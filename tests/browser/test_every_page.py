"""Every page there is, in both languages, at both widths and in both schemes: accessible, and never too wide."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import template_rendered
from playwright.sync_api import Browser
from sqlalchemy import Engine

from tests.browser.judge import judge
from tests.browser.scenes import SCENES, template
from tests.browser.stage import Stage
from tests.ecps.people import reached
from tests.oidc.parties import make_cast
from tests.serving import serving
from tests.stores import empty
from tests.web.test_door import unknown

PRODUCT = Path(__file__).parents[2] / "pro_sante_connect"
MANY = tuple(f"CENTRE DE LA LANTERNE {number}" for number in range(5)) + ("CABINET DU PHARE",) * 3


@pytest.fixture(scope="module")
def stage(engines: dict[str, Engine], chromium: Browser) -> Iterator[Stage]:
    """One house and one browser profile for the whole table."""
    with serving(engines["sqlite"]) as served:
        people = make_cast(served.world)
        holder = reached(served.world, people.practitioner).enrol()
        busy = make_cast(served.world, "8" + unknown(0), MANY)
        profile = chromium.new_context(locale="fr-FR")
        built = Stage(served, people, holder, busy, profile.new_page())

        def rendered(_: Any, template: Any, **__: Any) -> None:
            built.seen.append(template.name)

        with template_rendered.connected_to(rendered):
            yield built
        profile.close()
    empty(engines["sqlite"])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("row", SCENES)
def test_every_page_is_accessible_and_fits_its_window(stage: Stage, row: str, language: str) -> None:
    stage.clear(language)
    SCENES[row](stage)
    assert stage.seen[-1] == template(row)
    assert stage.page.locator("html").get_attribute("lang") == language
    assert judge(stage.page) == []


def test_no_page_is_left_out() -> None:
    pages = {path.name for path in (PRODUCT / "web" / "templates").glob("*.html")}
    shown = {template(row) for row in SCENES}
    assert shown == {name for name in pages if not name.startswith("_") and not name.endswith("base.html")}
