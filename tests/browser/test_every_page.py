"""Every page there is, in both languages, at both widths and in both schemes: accessible, and never too wide."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import template_rendered
from playwright.sync_api import Browser

from tests.browser.conftest import Complaints
from tests.browser.demo_scenes import DEMO_SCENES, demo_pages
from tests.browser.judge import judge, picture
from tests.browser.scenes import template
from tests.browser.scenes_staff import SCENES  # whole: it adds its own rows to the others
from tests.browser.stage import Stage
from tests.ecps.people import reached
from tests.oidc.parties import make_cast
from tests.serving import serving
from tests.stores import store
from tests.web.test_door import unknown
from tests.world import START

PRODUCT = Path(__file__).parents[2] / "pro_sante_connect"
MANY = tuple(f"CENTRE DE LA LANTERNE {number}" for number in range(5)) + ("CABINET DU PHARE",) * 3


@contextmanager
def staged(folder: Path, chromium: Browser, at: datetime = START) -> Iterator[Stage]:
    """One house with a store of its own, and one browser profile, for all rows."""
    with store("sqlite", folder, "stage") as engine, serving(engine, at=at) as served:
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


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage"), chromium) as built:
        yield built


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("row", SCENES)
def test_every_page_is_accessible_and_fits_its_window(stage: Stage, row: str, language: str) -> None:
    stage.clear(language)
    SCENES[row](stage)
    assert stage.seen[-1] == template(row)
    assert stage.page.locator("html").get_attribute("lang") == language
    assert judge(stage.page) == []
    if language == "fr":
        picture(stage.page, f"page-{row.replace(' ', '-')}")


def test_every_page_of_the_demo_is_accessible_and_fits_its_window(tmp_path: Path, chromium: Browser) -> None:
    """Authlib believes the real clock alone: the house stands at this moment."""
    with staged(tmp_path, chromium, datetime.now(UTC)) as stage, demo_pages(stage.served) as addresses:
        for row, scene in DEMO_SCENES.items():
            stage.clear("fr", later=0)
            scene(stage, addresses)
            assert stage.seen[-1] == template(row)
            assert judge(stage.page) == [], row


@pytest.mark.parametrize(("room", "rows"), [("web", SCENES), ("demo", DEMO_SCENES)])
def test_no_page_is_left_out(room: str, rows: dict[str, Any]) -> None:
    pages = {path.name for path in (PRODUCT / room / "templates").glob("*.html")}
    assert {template(row) for row in rows} == {
        name for name in pages if not name.startswith("_") and not name.endswith("base.html")
    }


def test_a_complaint_of_a_page_is_heard(stage: Stage, complaints: Complaints) -> None:
    stage.clear("fr")
    stage.go("/")
    for event, complaint in (
        ("console", "console.error('said')"),
        ("weberror", "setTimeout(() => { throw new Error('thrown') })"),
        ("console", "document.body.setAttribute('style', 'color: red')"),  # the policy allows no style of its own
        ("console", "new Image().src = '/nowhere.png'"),
    ):
        with stage.profile.expect_event(event):
            stage.page.evaluate(complaint)
    heard, complaints.heard = complaints.heard, []
    assert len(heard) == 4
