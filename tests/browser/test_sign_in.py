"""The pages in a real browser: passkey ceremony, no JavaScript, axe, 320 px, console silent."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from tests.oidc.parties import NATIONAL_ID
from tests.serving import Served
from tests.web.test_sign_in import CODE, Holder
from tests.web.test_sign_in import holder as _holder

holder = _holder
SHOTS = Path("artifacts")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def engine(engines: dict[str, Engine]) -> Iterator[Engine]:
    """Browsers meet the store through HTTP: one kind of store is enough here."""
    from tests.stores import empty

    yield engines["sqlite"]
    empty(engines["sqlite"])


def address(served: Served, client: str, callback: str) -> str:
    parameters = {
        "client_id": client, "redirect_uri": callback, "response_type": "code", "scope": "openid scope_all",
        "state": "s",
    }  # fmt: skip
    return served.base + "/auth?" + urlencode(parameters)


def judge(page: Page, name: str) -> None:
    """Axe finds nothing, nothing scrolls sideways; a picture is kept."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_every_page_of_a_sign_in_is_accessible(
    holder: Holder, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    callback = holder.served.base + "/health/live"  # a page that exists: the browser must land somewhere
    client = holder.people.client(chooses_activity=True, redirect_uris=(callback,))[0]
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale=f"{language}-FR", java_script_enabled=True
    )  # type: ignore[arg-type]
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    name = f"{language}-{width}-{scheme}"
    page.goto(address(holder.served, client, callback))
    judge(page, f"sign-in-{name}")
    page.fill("#login", NATIONAL_ID)
    page.click("#code")
    judge(page, f"codes-{name}")
    page.fill("#ecps_code", "0000")
    page.fill("#otp", "000000")
    page.click("#submit")
    judge(page, f"sign-in-refused-{name}")
    page.fill("#ecps_code", CODE)
    page.fill("#otp", holder.otp())
    page.click("#submit")
    judge(page, f"activity-{name}")
    page.check(f"#activity-{holder.people.activites[0]}")
    page.click("#submit")
    judge(page, f"consent-{name}")
    page.click("#submit")
    page.wait_for_url("**/health/live?*code=*")
    page.goto(holder.served.oidc + "/logout")
    judge(page, f"sign-out-{name}")
    page.click("#submit")
    judge(page, f"signed-out-{name}")
    page.goto(holder.served.base + "/")
    judge(page, f"home-{name}")
    context.close()
    assert [line for line in noise if "422" not in line] == []


def test_a_sign_in_needs_no_javascript(holder: Holder, chromium: Browser) -> None:
    callback = holder.served.base + "/health/live"
    client = holder.people.client(asks_consent=False, redirect_uris=(callback,))[0]
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(holder.served, client, callback))
    assert page.locator("#passkey").is_hidden()
    page.fill("#login", NATIONAL_ID)
    page.click("#code")
    page.fill("#ecps_code", CODE)
    page.fill("#otp", holder.otp())
    page.keyboard.press("Enter")
    page.wait_for_url("**/health/live?*code=*")
    context.close()
