"""The phone's pages: what a person can do when a request was not hers."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.demo.visitor import Visitor
from tests.ecps.people import CODE, NATIONAL_ID
from tests.serving import serving
from tests.web.people import Phone


@pytest.fixture
def phone(engine: Engine) -> Iterator[Phone]:
    with serving(engine) as served:
        yield Phone(served).activate()


@pytest.fixture
def computer(phone: Phone) -> Visitor:
    """Asks the phone, for the own space."""
    asking = Visitor()
    asking.open(phone.served.base + "/space")
    asking.send("/phone", national_id=NATIONAL_ID)
    assert asking.url.endswith("/wait")
    return asking


def mistype(phone: Phone) -> None:
    phone.go("/phone")
    for _ in range(3):
        phone.send("/number", number="x")


def test_after_the_third_wrong_number_both_sides_can_start_again_or_say_not_me(phone: Phone, computer: Visitor) -> None:
    mistype(phone)
    assert phone.page.status_code == 403
    assert "signalez-le" in phone.text
    for way in ("/phone", "/space/history", "/phone/freeze"):
        assert f'href="{way}"' in phone.text
    computer.open(computer.url)
    assert 'href="/help#strange"' in computer.text
    assert 'id="again"' in computer.text
    assert 'id="strange"' in computer.open(phone.served.base + "/help")


def sign_in(phone: Phone) -> None:
    phone.go("/space")
    phone.send("/sign-in", national_id=NATIONAL_ID)
    phone.send("/sign-in/code", national_id=NATIONAL_ID, ecps_code=CODE, otp=phone.person.otp())
    assert phone.url.endswith("/space")


def test_the_e_cps_code_goes_with_the_card_and_takes_no_name(phone: Phone) -> None:
    sign_in(phone)
    cards = phone.go("/space/means").split('<article class="card"')[1:]
    told = [("/name" in card, "il disparaît avec elle" in card) for card in cards]
    assert told == [(True, False), (True, False), (False, True)]


def test_whoever_says_not_me_can_freeze_the_card_and_what_it_opened(phone: Phone) -> None:
    sign_in(phone)
    phone.go("/phone/freeze")
    phone.send("/phone/freeze")
    assert "Votre e-CPS est bloquée" in phone.text
    phone.go("/space")
    assert phone.url.endswith("/sign-in")
