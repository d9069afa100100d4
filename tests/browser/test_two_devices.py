"""A phone and a computer, two profiles of a real browser on the running demo: activate, sign in, approve, refuse."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

import pyotp
import pytest
import requests
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.judge import picture
from tests.demo.conftest import Demo
from tests.demo.conftest import demo as _demo

demo = _demo
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
ECPS_CODE = "7294"


@dataclass
class Devices:
    """One person's phone, activated, and a computer that belongs to nobody."""

    demo: Demo
    phone: Page
    computer: Page
    national_id: str
    secret: str

    def ask(self) -> None:
        """The computer asks the phone, for the agenda of the demo service."""
        self.computer.context.clear_cookies()
        self.computer.goto(self.demo.card["demo_service_url"] + "/agenda/login")
        picture(self.computer, "sign-in")
        self.computer.fill("#login", self.national_id)
        self.computer.click("#phone")
        self.computer.wait_for_selector("#number")

    def shown_number(self) -> str:
        return re.sub(r"\D", "", self.computer.inner_text("#number"))

    def expect_welcome(self) -> None:
        """The computer lands in the service; the consent is asked once at most."""
        self.computer.wait_for_url(re.compile(r"/consent|" + re.escape(self.demo.card["demo_service_url"])))
        if "/consent" in self.computer.url:
            picture(self.computer, "consent")
            self.computer.click("#submit")
        expect(self.computer.locator("body")).to_contain_text("Bonjour")


def seen(page: Page, selector: str) -> str:
    """What a camera reads from the QR code."""
    picture = page.locator(selector).screenshot()
    (found,) = zxingcpp.read_barcodes(Image.open(BytesIO(picture)))
    return str(found.text)


def profile(chromium: Browser, **options: object) -> Page:
    """A browser profile with a passkey of its own, whose person is present and verified."""
    page = chromium.new_context(**options).new_page()
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    wire.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def codes(demo: Demo, national_id: str) -> dict[str, str]:
    """The newest code of each channel, as the person reads them."""
    found = []
    for address in demo.addresses(national_id):
        box = demo.card["message_box_url"] + "/messages.json"
        found += requests.get(box, params={"to": address}, timeout=10).json()
    newest: dict[str, str] = {}
    for message in found:
        code = re.search(r"\b[A-Z0-9]{4}(?:[- ][A-Z0-9]{4})+\b|\b\d{6,8}\b", message["body"])
        if code and message["channel"] not in newest:
            newest[message["channel"]] = code[0]
    return newest


def activate(demo: Demo, phone: Page, national_id: str) -> str:
    """Both codes, e-CPS code, passkey, code app; the secret that the app read from the screen."""
    phone.goto(demo.card["wallet_url"] + "/activate")
    picture(phone, "activate-identity")
    phone.fill("#login", national_id)
    phone.click("#submit")
    phone.wait_for_url("**/activate/codes*")
    picture(phone, "activate-codes")
    expect_codes = wait_for(lambda: codes(demo, national_id), 2)
    phone.fill("#mail_code", expect_codes["mail"])
    phone.fill("#sms_code", expect_codes["sms"])
    phone.click("#submit")
    phone.wait_for_url("**/activate/code")
    phone.fill("#code", "1234")
    phone.click("#submit")
    picture(phone, "activate-code-refused")
    phone.fill("#code", ECPS_CODE)
    phone.click("#submit")
    phone.wait_for_url("**/activate/passkey")
    picture(phone, "activate-passkey")
    phone.click("#passkey")
    phone.wait_for_url("**/activate/totp")
    picture(phone, "activate-totp")
    secret = pyotp.parse_uri(seen(phone, "div.plate")).secret
    phone.click("summary")
    assert re.sub(r"\s", "", phone.inner_text("#secret")) == secret
    phone.fill("#otp", pyotp.TOTP(secret).now())
    phone.click("#submit")
    phone.wait_for_url("**/activate/done")
    picture(phone, "activate-name")
    phone.click("#submit")
    phone.wait_for_selector("[role=status].ok")
    picture(phone, "activate-end")
    return secret


def wait_for(ask: Callable[[], dict[str, str]], size: int) -> dict[str, str]:
    """Messages leave by a worker: within seconds."""
    from time import sleep

    for _ in range(100):
        found = ask()
        if len(found) >= size:
            return found
        sleep(0.1)
    raise AssertionError(ask())


@pytest.fixture(scope="module")
def devices(demo: Demo, chromium: Browser) -> Iterator[Devices]:
    person = demo.person("not-enrolled")
    phone = profile(
        chromium, viewport={"width": 320, "height": 700}, locale="fr-FR", is_mobile=True, color_scheme="light"
    )
    computer = profile(chromium, viewport={"width": 1000, "height": 800}, locale="fr-FR", color_scheme="light")
    secret = activate(demo, phone, person["national_id"])
    yield Devices(demo, phone, computer, person["national_id"], secret)
    for page in (phone, computer):
        page.context.close()


@pytest.fixture(params=[0])
def others(devices: Devices, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Devices]:
    """Somebody else, activated: after three requests without an answer a phone lists none for ten minutes."""
    national_id = devices.demo.strangers()[request.param]
    phone = profile(chromium, viewport={"width": 320, "height": 700}, locale="fr-FR", color_scheme="light")
    secret = activate(devices.demo, phone, national_id)
    yield Devices(devices.demo, phone, devices.computer, national_id, secret)
    phone.context.close()


def open_space(devices: Devices) -> None:
    """The phone signs in to the own space, by the passkey that autofill offers."""
    phone = devices.phone
    phone.goto(devices.demo.card["wallet_url"] + "/space/means")
    phone.wait_for_url("**/space/means")


def test_the_phone_approves_after_the_number_was_typed(devices: Devices) -> None:
    devices.ask()
    picture(devices.computer, "wait")
    devices.phone.goto(devices.demo.card["wallet_url"] + "/phone")
    picture(devices.phone, "phone")
    devices.phone.fill("#number", devices.shown_number())
    devices.phone.click("#submit")
    devices.phone.wait_for_selector("#passkey:visible")
    picture(devices.phone, "phone-approve")
    devices.phone.click("#passkey")
    devices.phone.wait_for_url("**/phone/approved")
    picture(devices.phone, "phone-approved")
    devices.expect_welcome()


def test_the_camera_of_the_phone_stands_for_the_number(devices: Devices) -> None:
    devices.ask()
    expect(devices.computer.locator("#qr")).to_have_js_property("complete", True)
    devices.phone.goto(seen(devices.computer, "#qr"))
    devices.phone.click("#submit")
    devices.phone.click("#passkey")
    devices.phone.wait_for_url("**/phone/approved")
    devices.expect_welcome()


def test_the_third_wrong_number_ends_the_request(others: Devices) -> None:
    others.ask()
    wrong = "000000" if others.shown_number() != "000000" else "000001"
    others.phone.goto(others.demo.card["wallet_url"] + "/phone")
    for _ in range(3):
        others.phone.fill("#number", wrong)
        others.phone.click("#submit")
    expect(others.computer.locator("#state.danger")).to_be_visible()
    picture(others.computer, "wait-over")
    picture(others.phone, "phone-killed")
    assert others.computer.locator("#again").is_visible()


@pytest.mark.parametrize("others", [1], indirect=True)
def test_a_refusal_ends_the_wait_within_a_second(others: Devices) -> None:
    others.ask()
    others.phone.goto(others.demo.card["wallet_url"] + "/phone")
    others.phone.click("#refuse")
    expect(others.computer.locator("#state.danger")).to_be_visible(timeout=1000)
    picture(others.phone, "phone-refused")


def test_a_newer_request_replaces_the_one_that_waits_and_help_comes(devices: Devices) -> None:
    devices.ask()
    before = devices.shown_number()
    assert devices.computer.locator("#help").is_hidden()
    expect(devices.computer.locator("#help")).to_be_visible(timeout=17_000)
    picture(devices.computer, "wait-help")
    devices.computer.click("#again")
    devices.computer.wait_for_function(
        "before => document.getElementById('number')?.textContent.replace(/\\D/g, '') !== before", arg=before
    )
    devices.phone.goto(devices.demo.card["wallet_url"] + "/phone")
    devices.phone.fill("#number", devices.shown_number())
    devices.phone.click("#submit")
    devices.phone.fill("#ecps_code", ECPS_CODE)
    devices.phone.click("#submit")
    devices.expect_welcome()


def test_the_language_chosen_once_is_that_of_every_page_of_the_own_space(devices: Devices) -> None:
    phone, wallet = devices.phone, devices.demo.card["wallet_url"]
    open_space(devices)
    assert phone.locator("article.card").count() >= 3
    for language in ("en", "fr"):
        phone.goto(f"{wallet}/space/means?lang={language}")
        for name in ("", "/means", "/sessions", "/history", "/services", "/means/phone", "/means/passkey"):
            answer = phone.goto(f"{wallet}/space{name}")
            assert answer is not None
            assert answer.ok
            assert phone.locator("html").get_attribute("lang") == language
            picture(phone, f"space{name.replace('/', '-')}-{language}")


def test_a_second_phone_is_paired_by_the_code_on_the_screen(devices: Devices, chromium: Browser) -> None:
    open_space(devices)
    devices.phone.goto(devices.demo.card["wallet_url"] + "/space/means/phone")
    link = seen(devices.phone, "#qr")
    second = profile(chromium, viewport={"width": 320, "height": 700}, locale="fr-FR")
    second.goto(link)
    picture(second, "pair")
    second.click("#submit")
    second.wait_for_url("**/paired")
    second.goto(devices.demo.card["wallet_url"] + "/phone")
    expect(second.locator("[role=status].info")).to_be_visible()
    second.goto(link)  # once only
    second.click("#submit")
    expect(second.locator("[role=alert]")).to_be_visible()
    second.context.close()


def test_a_passkey_offered_by_autofill_needs_no_identifier_and_no_click(devices: Devices) -> None:
    kept = [one for one in devices.phone.context.cookies() if "phone" in one.get("name", "")]
    devices.phone.context.clear_cookies()
    devices.phone.context.add_cookies(kept)
    devices.phone.goto(devices.demo.card["demo_service_url"] + "/agenda/login")
    devices.phone.wait_for_url(re.compile(r"/consent|" + re.escape(devices.demo.card["demo_service_url"])))
    if "/consent" in devices.phone.url:
        devices.phone.click("#submit")
    expect(devices.phone.locator("body")).to_contain_text("Bonjour")
