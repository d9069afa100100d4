"""The activation's pages: a slip is mended where it was made."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.ecps.people import languages, told
from tests.ecps.requests import wrong
from tests.serving import serving
from tests.web.people import Phone


@pytest.fixture
def phone(engine: Engine) -> Iterator[Phone]:
    with serving(engine) as served:
        yield Phone(served)


def test_a_mistyped_first_code_of_the_app_is_typed_again_on_the_same_page(phone: Phone) -> None:
    phone.to_code_app()
    phone.person.secret = phone.read_secret()
    phone.send("/activate/totp", otp=wrong(phone.person.otp()))
    assert phone.page.status_code == 422
    assert '<a href="#otp">' in phone.text
    assert 'aria-describedby="otp-hint problem-text" aria-invalid="true"' in phone.text
    assert phone.read_secret() == phone.person.secret
    phone.send("/activate/totp", otp=phone.person.otp())
    assert phone.url.endswith("/activate/done")


def test_the_codes_and_all_later_notices_speak_the_page_s_language(phone: Phone) -> None:
    phone.go("/activate?lang=en")
    phone.send("/activate", national_id=phone.person.national_id)
    assert languages(phone.person) == {"en"}
    phone.person.language = "en"
    phone.activate()
    assert told(phone.person)[-1] == "card-activated"
    assert languages(phone.person) == {"en"}


def test_a_reload_or_another_language_keeps_the_secret_that_was_scanned(phone: Phone) -> None:
    phone.to_code_app()
    scanned = phone.read_secret()
    for path in ("/activate/totp", "/activate/totp?lang=en"):
        phone.go(path)
        assert phone.read_secret() == scanned
