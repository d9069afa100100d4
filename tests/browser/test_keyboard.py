"""Without a mouse: Tab, Enter and what is typed; whoever looks sees where she is."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from tests.browser.pair import pair
from tests.ecps.people import CODE

FOCUSED = "selector => document.activeElement.matches(selector)"
OUTLINED = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
LONGEST = 30  # stops on one page


def here(page: Page, selector: str) -> None:
    """The page put the keyboard there by itself."""
    expect(page.locator(selector)).to_be_focused()


def to(page: Page, selector: str) -> None:
    """Tab until that is where the keyboard is; every stop on the way can be seen."""
    for _ in range(LONGEST):
        page.keyboard.press("Tab")
        assert page.evaluate(OUTLINED), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate(FOCUSED, selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector} on {page.url}")


def press(page: Page, selector: str) -> None:
    to(page, selector)
    page.keyboard.press("Enter")


def write(page: Page, text: str) -> None:
    page.keyboard.type(text)


def test_a_sign_in_by_codes_from_the_request_to_the_sign_out(engine: Engine, chromium: Browser) -> None:
    with pair(engine, chromium) as two:
        person, page = two.person.enrol(passkey=False), two.computer
        page.goto(two.ask(chooses_activity=True))
        here(page, "#login")
        write(page, person.national_id)
        press(page, "#code")
        here(page, "#ecps_code")
        write(page, "0000")
        to(page, "#otp")
        write(page, "000000")
        page.keyboard.press("Enter")
        here(page, "#problem")  # read at once; its first link leads to the first field to mend
        press(page, "#problem a[href='#ecps_code']")
        here(page, "#ecps_code")
        write(page, CODE)
        to(page, "#otp")
        write(page, person.otp())
        page.keyboard.press("Enter")
        page.wait_for_url("**/activity")
        to(page, "[name=activity]")
        page.keyboard.press("ArrowDown")
        press(page, "#submit")
        page.wait_for_url("**/consent")
        press(page, "summary")
        expect(page.locator("details[open] li").first).to_be_visible()
        press(page, "#submit")
        two.welcomed()
        page.goto(two.served.base + "/space")
        press(page, "a[href='/space/sign-out']")
        page.wait_for_url("**/sign-out")
        press(page, "#submit")
        expect(page.locator("[role=status].ok")).to_be_visible()


@pytest.mark.parametrize("refused", [False, True])
def test_a_phone_approval_by_number_and_a_refusal(engine: Engine, chromium: Browser, refused: bool) -> None:
    with pair(engine, chromium) as two:
        person, phone, computer = two.person.enrol(passkey=False), two.phone, two.computer
        phone.context.add_cookies([{"name": "psc-phone", "value": person.phone, "url": two.served.base}])
        computer.goto(two.ask(asks_consent=False))
        here(computer, "#login")
        write(computer, person.national_id)
        press(computer, "#phone")
        computer.wait_for_url("**/wait")
        phone.goto(two.served.base + "/phone")
        here(phone, "#number")
        if refused:
            press(phone, "#refuse")
            phone.wait_for_url("**/phone/refused")
            expect(computer.locator("#state.danger")).to_be_visible()
            press(computer, "#other")
            here(computer, "#login")
            return
        write(phone, two.number())
        phone.keyboard.press("Enter")
        phone.wait_for_selector("#ecps_code")
        to(phone, "#ecps_code")
        write(phone, CODE)
        phone.keyboard.press("Enter")
        phone.wait_for_url("**/phone/approved")
        two.welcomed()


def test_the_first_stop_jumps_over_the_navigation(engine: Engine, chromium: Browser) -> None:
    with pair(engine, chromium) as two:
        page = two.computer
        page.goto(two.served.base + "/")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
