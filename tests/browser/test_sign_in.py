"""A sign-in in a real browser, by codes; pictures of every page of it."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from tests.browser.judge import picture
from tests.oidc.parties import NATIONAL_ID
from tests.serving import Served
from tests.web.test_sign_in import CODE, Holder
from tests.web.test_sign_in import holder as _holder

holder = _holder


def address(served: Served, client: str, callback: str) -> str:
    parameters = {
        "client_id": client, "redirect_uri": callback, "response_type": "code", "scope": "openid scope_all",
        "state": "s",
    }  # fmt: skip
    return served.base + "/auth?" + urlencode(parameters)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_a_slip_a_choice_and_a_consent_lead_to_the_service_and_out_again(
    holder: Holder, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    callback = holder.served.base + "/health/live"  # a page that exists: the browser must land somewhere
    client = holder.people.client(chooses_activity=True, redirect_uris=(callback,))[0]
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale=f"{language}-FR", java_script_enabled=True
    )
    page = context.new_page()
    name = f"{language}-{width}-{scheme}"
    page.goto(address(holder.served, client, callback))
    picture(page, f"sign-in-{name}")
    page.fill("#login", NATIONAL_ID)
    page.click("#code")
    picture(page, f"codes-{name}")
    page.fill("#ecps_code", "0000")
    page.fill("#otp", "000000")
    page.click("#submit")
    picture(page, f"sign-in-refused-{name}")
    page.fill("#ecps_code", CODE)
    page.fill("#otp", holder.otp())
    page.click("#submit")
    picture(page, f"activity-{name}")
    page.check(f"#activity-{holder.people.activites[0]}")
    page.click("#submit")
    picture(page, f"consent-{name}")
    page.click("#submit")
    page.wait_for_url("**/health/live?*code=*")
    page.goto(holder.served.oidc + "/logout")
    picture(page, f"sign-out-{name}")
    page.click("#submit")
    picture(page, f"signed-out-{name}")
    page.goto(holder.served.base + "/")
    picture(page, f"home-{name}")
    context.close()


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
