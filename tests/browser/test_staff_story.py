"""One suspension, lived by three people: the clinician's open service, the registrar, the supervisor."""

from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.judge import picture
from tests.browser.test_two_devices import profile
from tests.demo.conftest import Demo
from tests.demo.conftest import demo as _demo
from tests.demo.visitor import Visitor

demo = _demo
STOPPED, GONE = "suspendu", "Votre session a été fermée"


def member(demo: Demo, chromium: Browser, role: str) -> Page:
    """Somebody of the staff joins by the card's link with a passkey of this profile, and signs in."""
    [link] = [one["join_url"] for one in demo.card["staff"] if one.get("role") == role]
    page = profile(chromium, viewport={"width": 1100, "height": 900}, locale="fr-FR", color_scheme="light")
    page.goto(link)
    page.click("#passkey")
    page.wait_for_url("**/staff/sign-in*")
    page.click("#passkey")
    page.wait_for_url("**/staff")
    return page


def at_work(demo: Demo, chromium: Browser, person: dict[str, Any]) -> Page:
    """The clinician's page of the diary, open."""
    visitor, agenda = Visitor(), demo.card["demo_service_url"] + "/agenda"
    visitor.open(agenda + "/login")
    demo.sign_in(visitor, person)
    if "/consent" in visitor.url:
        visitor.send("/consent")
    assert "Bonjour" in visitor.text
    page = chromium.new_context(locale="fr-FR").new_page()
    for one in visitor.session.cookies:
        page.context.add_cookies([{"name": one.name, "value": str(one.value), "url": demo.card["demo_service_url"]}])
    page.goto(agenda)
    expect(page.locator("body")).to_contain_text("Bonjour")
    return page


def find(page: Page, person: dict[str, Any]) -> None:
    """By name, with a slip in it."""
    page.fill("#q", f"{person['given_name']} {person['family_name'][:-1]}x")
    page.click("#submit")
    page.click(f"a:has-text('{person['family_name']}')")
    page.wait_for_selector("#state")


def test_a_stop_reaches_the_open_page_and_the_time_line_tells_the_story(demo: Demo, chromium: Browser) -> None:
    person = demo.card["practitioners"][-5]
    service = at_work(demo, chromium, person)
    registrar, supervisor = member(demo, chromium, "registrar"), member(demo, chromium, "supervisor")

    find(registrar, person)
    registrar.click("#decide-suspension")
    registrar.check("#reason-SANTE")
    registrar.fill("#evidence", "courrier 2030-118")
    registrar.click("#submit")
    expect(registrar.locator("#consequence")).to_contain_text("1")
    picture(registrar, "staff-decide")
    registrar.click("#submit")
    expect(registrar.locator("#state")).to_have_text(STOPPED)
    expect(service.locator("body")).to_contain_text(GONE, timeout=20_000)

    supervisor.goto(demo.card["wallet_url"] + "/staff")
    supervisor.click("#waiting")
    supervisor.click("h2 a")
    supervisor.click("#approve")
    expect(supervisor.locator("#state")).to_have_text(STOPPED)

    supervisor.click("#decide-reinstatement")
    supervisor.check("#reason-SANTE")
    supervisor.click("#submit")
    supervisor.click("#submit")
    expect(supervisor.locator("#state")).to_have_text(STOPPED)  # nobody restores alone
    registrar.reload()
    registrar.click("a:has-text('à confirmer avant')")
    assert registrar.locator("#approve").count() == 0  # a registrar proposes, a supervisor confirms
    registrar.goto(supervisor.url)
    expect(registrar.locator("#told + div")).to_contain_text("a répondu")
    picture(registrar, "staff-person")
    line = registrar.locator("#line + div")
    for word in ("Décision proposée", "Décision confirmée", "Session fermée", "Connexion", "Rosa Lestel"):
        expect(line).to_contain_text(word)
    for page in (service, registrar, supervisor):
        page.context.close()
