"""Whose language a page speaks: the person's choice, else the service's wish, else the browser's."""

import pytest
import requests

from tests.oidc.parties import Cast, make_cast
from tests.serving import Served
from tests.web.test_pages import ask, follow, signed_in


@pytest.fixture
def people(served: Served) -> Cast:
    return make_cast(served.world)


def spoken(page: requests.Response) -> str:
    return page.text.split('<html lang="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("browser_speaks", "chosen", "wished", "expected"),
    [
        ("", "", "", "fr"),
        ("en", "", "", "en"),
        ("fr", "", "en", "en"),
        ("fr", "", "de en-GB fr", "en"),
        ("fr", "", "eng", "fr"),
        ("en", "", "fr-CA", "fr"),
        ("en", "fr", "en", "fr"),
        ("fr", "en", "fr", "en"),
    ],
)
def test_the_person_ranks_before_the_service_and_the_service_before_the_browser(
    served: Served, people: Cast, browser_speaks: str, chosen: str, wished: str, expected: str
) -> None:
    browser = requests.Session()
    browser.headers["Accept-Language"] = browser_speaks
    if chosen:
        browser.get(f"{served.base}/?lang={chosen}")
    page = follow(served, browser, ask(served, browser, people.client()[0], ui_locales=wished))
    assert page.url.endswith("/sign-in")
    assert spoken(page) == expected
    assert spoken(browser.get(served.base + "/")) == (chosen or browser_speaks or "fr")


def test_a_switch_during_a_journey_outlives_the_service_s_wish(served: Served, people: Cast) -> None:
    browser = requests.Session()
    page = follow(served, browser, ask(served, browser, people.client()[0], ui_locales="en"))
    assert spoken(browser.get(page.url + "?lang=fr")) == "fr"
    assert spoken(browser.get(page.url)) == "fr"


def test_a_displayed_error_and_a_form_answer_speak_the_service_s_language(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)[0]
    browser = signed_in(served, people)
    for answer in (
        ask(served, browser, client, ui_locales="en", redirect_uri="https://evil.test/cb"),
        ask(served, browser, client, ui_locales="en", response_mode="form_post", scope="nonsense"),
        follow(served, browser, ask(served, browser, client, ui_locales="en", response_mode="form_post")),
    ):
        assert spoken(answer) == "en"


def test_a_service_cannot_choose_in_the_person_s_place(served: Served, people: Cast) -> None:
    browser = requests.Session()
    ask(served, browser, people.client()[0], lang="en")
    assert spoken(browser.get(served.base + "/")) == "fr"
