"""Phone approval as the contract tells it (§12.2, emulation 12): the number proves that both hands are one."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from pro_sante_connect.settings import Policy, Settings
from tests.ecps.people import candidate
from tests.journeys.desk import Desk
from tests.oidc.parties import Cast, document, make_cast, payload
from tests.serving import serving
from tests.web.test_pages import ask, follow, returned

Sit = Callable[[], Desk]
BOTH = pytest.mark.parametrize("compatible", [False, True], ids=["six digits", "one of three"])


@pytest.fixture
def house(engine: Engine, compatible: bool) -> Iterator[tuple[Sit, Cast]]:
    """Sit down somebody new at a computer; and the service she opens."""
    chosen = replace(Settings(), policy=Policy(compatible_approval=compatible))
    with serving(engine, chosen) as served:
        people = make_cast(served.world)
        people.machine = served.app.extensions["psc"].machine
        numbers = iter(range(10))

        def sit() -> Desk:
            known = candidate(served.world, f"89980000{next(numbers):04d}")
            return Desk(served, known.enrol(passkey=False))

        yield sit, people


def choices(desk: Desk) -> list[str]:
    return re.findall(r'name="number" value="(\d+)"', desk.look().text)


def other(desk: Desk, number: str) -> str:
    """A number that is not shown on the computer."""
    return next((one for one in choices(desk) if one != number), f"{(int(number) + 1) % 1_000_000:06d}")


@BOTH
def test_the_right_number_and_the_proof_open_at_the_level_of_the_mode(
    house: tuple[Sit, Cast], compatible: bool
) -> None:
    sit, people = house
    client, desk = people.client(asks_consent=False), sit()
    number = desk.ask_phone(client[0])
    assert len(number) == (2 if compatible else 6)
    page = desk.look()
    assert number in choices(desk) if compatible else number not in page.text
    assert desk.state() == "pending"
    desk.answer(number)
    assert desk.state() == "matched"
    assert desk.finish().url.endswith("/wait")  # a number is no proof
    desk.approve()
    identity = payload(document(people.redeem(client, returned(desk.finish())["code"]))["id_token"])
    assert (identity["acr"], identity["authMode"]) == ("eidas1", "MOBILE")
    assert identity["SubjectNameID"] == desk.person.national_id
    stronger = follow(desk.served, desk.computer, ask(desk.served, desk.computer, client[0], acr_values="eidas2"))
    assert stronger.is_redirect is not compatible  # out of reach of the weaker match: she is asked again


@pytest.mark.parametrize("compatible", [True])
def test_the_right_value_stands_anywhere_among_three(house: tuple[Sit, Cast]) -> None:
    sit, people = house
    client, places = people.client()[0], Counter[int]()
    desk = sit()
    for _ in range(12):
        number = desk.ask_phone(client)
        offered = choices(desk)
        assert (len(offered), len(set(offered))) == (3, 3)
        assert choices(desk) == offered  # looking again tells nothing
        places[offered.index(number)] += 1
        desk.served.world.clock.advance(1000)
        desk.computer.cookies.clear()
    assert set(places) == {0, 1, 2}


@BOTH
def test_a_wrong_number_denies_and_the_right_one_comes_too_late(house: tuple[Sit, Cast], compatible: bool) -> None:
    sit, people = house
    desk = sit()
    number = desk.ask_phone(people.client()[0])
    page, tries = desk.look(), 1 if compatible else 3
    for left in range(tries - 1, -1, -1):
        desk.answer(other(desk, number))
        assert desk.state() == ("pending" if left else "killed")
    assert "/number" not in desk.look().text
    assert desk.send(desk.pocket, page, "/number", number=number).status_code >= 400
    assert desk.state() == "killed"
    assert desk.finish().url.endswith("/wait")


@BOTH
def test_what_was_approved_once_approves_nothing_again(house: tuple[Sit, Cast], compatible: bool) -> None:
    sit, people = house
    client, desk = people.client(asks_consent=False), sit()
    desk.answer(desk.ask_phone(client[0]))
    page = desk.look()
    desk.approve()
    again = desk.send(desk.pocket, page, "/approve", ecps_code="7294")  # the same form, sent twice
    assert again.status_code >= 400
    first = desk.finish()
    assert "code" in returned(first)
    replayed = desk.computer.get(desk.journey + "/wait/finish", allow_redirects=False)
    assert replayed.status_code == 404
    desk.computer.cookies.clear()
    assert desk.computer.get(desk.journey + "/wait/finish", allow_redirects=False).status_code == 404


@BOTH
@pytest.mark.parametrize("step", ["number", "proof", "collect"])
def test_after_two_minutes_nothing_of_it_is_taken(house: tuple[Sit, Cast], compatible: bool, step: str) -> None:
    sit, people = house
    desk = sit()
    number = desk.ask_phone(people.client()[0])
    page = desk.look()
    if step != "number":
        desk.answer(number)
        page = desk.look()
    if step == "collect":
        desk.approve()
    desk.served.world.clock.advance(121)
    if step != "collect":
        form, fields = ("/number", {"number": number}) if step == "number" else ("/approve", {"ecps_code": "7294"})
        assert desk.send(desk.pocket, page, form, **fields).status_code >= 400
    assert desk.state() == "expired"
    assert desk.finish().url.endswith("/wait")
