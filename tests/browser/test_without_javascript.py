"""No JavaScript, as in a browser that is locked down: activate, be asked, approve, choose, agree, look, sign out."""

import re

import pyotp
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from tests.browser.pair import Pair, pair
from tests.ecps.people import CODE

PLAIN = {"java_script_enabled": False}


def activate(two: Pair) -> None:
    """The phone, by both codes, the e-CPS code and the code app; a passkey needs a script and says so."""
    phone, person = two.phone, two.person
    phone.goto(two.served.base + "/activate")
    phone.fill("#login", person.national_id)
    phone.click("#submit")
    phone.wait_for_url("**/activate/codes*")
    codes = person.received()
    phone.fill("#mail_code", codes["mail"])
    phone.fill("#sms_code", codes["sms"])
    phone.click("#submit")
    phone.wait_for_url("**/activate/code")
    phone.fill("#code", CODE)
    phone.click("#submit")
    phone.wait_for_url("**/activate/passkey")
    expect(phone.locator("#passkey")).to_be_hidden()
    expect(phone.locator("noscript")).to_be_visible()
    phone.click("#skip")
    phone.wait_for_url("**/activate/totp")
    assert phone.locator("#skip").count() == 0
    phone.click("summary")
    secret = re.sub(r"\s", "", phone.inner_text("#secret"))
    phone.fill("#otp", pyotp.TOTP(secret).at(int(two.served.world.now.timestamp())))
    phone.click("#submit")
    phone.wait_for_url("**/activate/done")
    phone.click("#submit")
    expect(phone.locator("a[href='/space/means']")).to_be_visible()


def test_everything_but_a_passkey_works_without_javascript(engine: Engine, chromium: Browser) -> None:
    with pair(engine, chromium, **PLAIN) as two:
        activate(two)
        phone, computer = two.phone, two.computer
        phone.goto(two.served.base + "/phone")
        computer.goto(two.ask(chooses_activity=True))
        expect(computer.locator("#passkey")).to_be_hidden()
        computer.fill("#login", two.person.national_id)
        computer.click("#phone")
        computer.wait_for_url("**/wait")
        number = two.number()
        phone.wait_for_selector("#number")  # the page asked again by itself
        phone.fill("#number", number)
        phone.click("#submit")
        phone.fill("#ecps_code", CODE)
        phone.click("#submit")
        phone.wait_for_url("**/phone/approved")
        computer.wait_for_url("**/activity")  # so did this one
        computer.check(f"#activity-{two.people.activites[1]}")
        computer.click("#submit")
        computer.wait_for_url("**/consent")
        computer.click("summary >> nth=0")
        computer.click("#submit")
        two.welcomed()
        for place in ("", "/means", "/sessions", "/history", "/services"):
            computer.goto(f"{two.served.base}/space{place}")
            assert computer.url == f"{two.served.base}/space{place}"
        computer.click("a[href='/space/sign-out']")
        computer.click("#submit")
        expect(computer.locator("[role=status].ok")).to_be_visible()
        computer.goto(two.served.base + "/space")
        expect(computer.locator("#login")).to_be_visible()


def test_a_refusal_on_the_phone_ends_the_wait_without_javascript(engine: Engine, chromium: Browser) -> None:
    with pair(engine, chromium, **PLAIN) as two:
        activate(two)
        two.computer.goto(two.served.base + "/space")
        two.computer.fill("#login", two.person.national_id)
        two.computer.click("#phone")
        two.computer.wait_for_url("**/wait")
        two.phone.goto(two.served.base + "/phone")
        two.phone.click("#refuse")
        two.computer.wait_for_selector("#state.danger")
        two.computer.click("#other")
        expect(two.computer.locator("#code")).to_be_visible()
