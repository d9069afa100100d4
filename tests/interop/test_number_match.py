"""Number matching: as the real service does it (two digits, one of three shown), and as we do it (six digits typed)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from pro_sante_connect.settings import Policy, Settings
from tests.demo.visitor import Visitor
from tests.interop.client import Program, decoded
from tests.interop.house import House, Person
from tests.rpps.files import national, people
from tests.serving import serving

LIFE = 120


class Asking(Program):
    """Its person asks her phone; the page then waits with a number."""

    def prove(self, person: Person) -> None:
        self.visitor.send("/phone", national_id=person["national_id"])
        assert self.visitor.url.endswith("/wait")

    @property
    def number(self) -> str:
        shown = re.search(r'id="number">([\d ]+)<', self.visitor.page.text)
        assert shown, self.visitor.page.text
        return shown[1].replace(" ", "")

    @property
    def state(self) -> str:
        address = self.visitor.url + "/state"
        return str(self.visitor.session.get(address, timeout=10).json()["state"])

    def ask(self, person: Person, **more: str) -> None:
        """From the service to the number; each time the browser of a stranger."""
        self.visitor.session.cookies.clear()
        self.authorize(self.query(**more), person)

    def collect(self) -> dict[str, str]:
        """The waiting page goes on by itself; what the service hears."""
        self.visitor.page = self._go(self.visitor.url + "/finish")
        return self.followed()


Scene = tuple[House, Asking, Person]
THEIRS = pytest.mark.parametrize("compatible", [True])
OURS = pytest.mark.parametrize("compatible", [False])
BOTH = pytest.mark.parametrize("compatible", [True, False], ids=["one of three", "six digits"])


@pytest.fixture
def scene(engine: Engine, tmp_path: Path, compatible: bool) -> Iterator[Scene]:
    """A deployment with the switch on or off, a service, and a person with a phone."""
    policy = Policy(access_token_acr="reached", compatible_approval=compatible)
    with serving(engine, replace(Settings(), policy=policy)) as served:
        house = House(served, tmp_path)
        house.import_registry(people(2))
        program = house.program(kind=Asking)
        assert isinstance(program, Asking)
        yield house, program, house.enrol(national(1))


def offered(phone: Visitor, wallet: str) -> list[str]:
    """The numbers that the phone offers, in their places."""
    return re.findall(r'<button name="number" value="(\d+)"', phone.open(wallet + "/phone"))


def answer(phone: Visitor, wallet: str, number: str) -> int:
    """Type or pick it; the status of the page that follows."""
    phone.open(wallet + "/phone")
    phone.send("/number", number=number)
    return phone.page.status_code


def codes(person: Person) -> dict[str, str]:
    return {"ecps_code": person["ecps_code"]}


def approve(phone: Visitor, person: Person) -> None:
    phone.send("/approve", **codes(person))
    assert phone.url.endswith("/phone/approved")


def levels(program: Program, code: str) -> tuple[Any, ...]:
    """`acr` asked for and reached, and the means."""
    tokens = program.redeem(code).json()
    own, access = decoded(tokens["id_token"]), decoded(tokens["access_token"])
    return own["acr"], access["acr"], own["authMode"], own["amr"]


@THEIRS
def test_two_digits_of_three_open_at_a_lower_level(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person)
    choices = offered(phone, house.served.base)
    assert re.fullmatch(r"\d\d", program.number)
    assert (len(set(choices)), program.number in choices) == (3, True)
    assert answer(phone, house.served.base, program.number) == 200
    approve(phone, person)
    assert program.state == "approved"
    assert levels(program, program.collect()["code"]) == ("eidas1", "eidas1", "MOBILE", ["mca", "pin", "mfa"])


@THEIRS
def test_a_blind_pick_never_passes_for_the_level_asked(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person, acr_values="eidas2")
    assert answer(phone, house.served.base, program.number) == 200
    approve(phone, person)
    heard = program.collect()
    assert (heard["error"], "code" in heard) == ("unmet_authentication_requirements", False)


@THEIRS
def test_one_wrong_pick_denies_and_the_right_one_comes_too_late(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person)
    wrong = next(one for one in offered(phone, house.served.base) if one != program.number)
    form = phone.page
    phone.send("/number", number=wrong)
    assert program.state == "killed"
    phone.page = form
    phone.send("/number", number=program.number)
    assert phone.page.status_code == 400
    assert program.state == "killed"


@THEIRS
def test_the_right_number_stands_in_any_of_the_three_places(scene: Scene) -> None:
    house, program, person = scene
    phone, places = house.phone(person), []
    for _ in range(12):
        house.later(660)  # nobody is asked more than three times in ten minutes
        program.ask(person)
        choices = offered(phone, house.served.base)
        assert offered(phone, house.served.base) == choices  # looking again tells nothing
        places.append(choices.index(program.number))
        phone.send("/refuse")
    assert set(places) == {0, 1, 2}


@OURS
def test_six_digits_typed_open_at_the_level_asked(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person, acr_values="eidas2")
    assert re.fullmatch(r"\d{6}", program.number)
    assert offered(phone, house.served.base) == []
    assert program.number not in phone.page.text
    assert answer(phone, house.served.base, program.number) == 200
    approve(phone, person)
    assert levels(program, program.collect()["code"]) == ("eidas2", "eidas2", "MOBILE", ["mca", "pin", "mfa"])


@BOTH
def test_an_approval_opens_one_session_and_never_again(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person)
    answer(phone, house.served.base, program.number)
    form = phone.page
    approve(phone, person)
    phone.page = form
    phone.send("/approve", **codes(person))  # the phone answers twice
    assert phone.page.status_code == 400
    waiting = program.visitor.url
    assert program.collect()["code"]
    program.visitor.page = program.visitor.session.get(waiting + "/finish", timeout=10)  # the computer collects twice
    assert program.visitor.page.status_code == 404


@OURS
def test_the_third_wrong_number_ends_the_request(scene: Scene) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person)
    wrong = "000000" if program.number != "000000" else "000001"
    for expected in ("pending", "pending", "killed"):
        answer(phone, house.served.base, wrong)
        assert program.state == expected


@BOTH
@pytest.mark.parametrize("late", ["number", "approval", "collecting"])
def test_after_two_minutes_nothing_is_approved(scene: Scene, late: str) -> None:
    house, program, person = scene
    phone = house.phone(person)
    program.ask(person)
    number = program.number
    phone.open(house.served.base + "/phone")
    if late != "number":
        phone.send("/number", number=number)
    if late == "collecting":
        approve(phone, person)
    house.later(LIFE + 1)
    if late != "collecting":
        step, fields = ("/number", {"number": number}) if late == "number" else ("/approve", codes(person))
        phone.send(step, **fields)
        assert phone.page.status_code == 400
    assert program.state == "expired"
    assert program.collect() == {}
