"""What people hold after a sign-in, and which of it still opens something."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import writing
from pro_sante_connect.ecps.models import ACTIVE, Card, Phone
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.oidc.tokens import keys
from tests.oidc.parties import Cast
from tests.rpps.files import Facts, activites, load, person, row, write
from tests.serving import Served
from tests.web.test_pages import ask, follow, returned

SCOPE = "openid profile scope_all identity"
EVERYTHING = {"cookie", "code", "refresh", "userinfo", "introspection"}
MINE, OTHER = 1, 2
DOCTOR, NURSE = ("10", "C"), ("60", "C")


@dataclass
class Holding:
    """One person's session in one browser, and what one service holds of it for one activity."""

    client: tuple[str, str]
    sid: str
    browser: requests.Session
    code: str
    tokens: dict[str, Any]


@dataclass
class Scene:
    """Two people of the registry; the first has two professions, two phones and two sessions."""

    served: Served
    folder: Path
    cast: Cast
    service: tuple[str, str]
    reader: tuple[str, str]
    phones: tuple[str, str]
    held: dict[str, Holding]

    @property
    def practitioner(self) -> int:
        return person(self.served.world, MINE).id

    def alive(self, holding: Holding) -> set[str]:
        """Everything is tried, each by its own address; the code last, since it can be tried once."""
        oidc, tokens, client = self.served.oidc, holding.tokens, holding.client
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        asked = {"token": tokens["access_token"]}
        active = requests.post(oidc + "/token/introspect", asked, auth=self.reader).json()
        silent = follow(self.served, holding.browser, ask(self.served, holding.browser, client[0], prompt="none"))
        opened = {
            "userinfo": requests.get(oidc + "/userinfo", headers=bearer).status_code == 200,
            "introspection": active != {"active": False},
            "cookie": silent.is_redirect and "code" in returned(silent),
            "refresh": self.cast.refresh(client, tokens["refresh_token"]).status == 200,
            "code": self.cast.redeem(client, holding.code).status == 200,
        }
        return {name for name, good in opened.items() if good}

    def everything_alive(self) -> dict[str, set[str]]:
        return {name: self.alive(holding) for name, holding in self.held.items()}


def registered(folder: Path, *, without: tuple[int, ...] = (), professions: tuple[str, ...] = ("10", "60")) -> Path:
    """The file of a day: twenty people, the first with these professions."""
    rows: list[Facts] = [
        row(index, profession=profession, technical_id=f"F{index:03d}{profession:0>6}")
        for index in range(20)
        for profession in (professions if index == MINE else ("60",))
        if index not in without
    ]
    return write(folder, rows)


def scene(served: Served, folder: Path) -> Scene:
    """`first` is what the table of stops aims at; the others differ from it in one thing."""
    world = served.world
    load(world, registered(folder / "first"))
    with writing(world.engine) as db:
        keys.ensure(db, vault=world.dep.vault, chance=world.chance, now=world.now)
    world.clock.advance(60)
    mine, other = person(world, MINE).id, person(world, OTHER).id
    doctor, nurse = (one["id"] for one in activites(world, MINE))
    [only] = (one["id"] for one in activites(world, OTHER))
    cast = Cast(world, served.app.extensions["psc"].machine, mine, (doctor, nurse))
    service, second, reader = cast.client(), cast.client(), cast.client(introspects_any=True)
    phones = two_phones(served, mine)
    with writing(world.engine) as db:
        for someone in (mine, other):
            for client in (service, second):
                consent.remember(db, someone, client[0], SCOPE, origin=SYSTEM, now=world.now)
    here, there = begin(served, mine, phones[0]), begin(served, mine, phones[1])
    theirs = begin(served, other, "phone:99")
    held = {
        "first": hold(cast, service, here, doctor),
        "second activity": hold(cast, service, here, nurse),
        "second session": hold(cast, service, there, nurse),
        "second service": hold(cast, second, here, nurse),
        "second person": hold(cast, service, theirs, only),
    }
    world.clock.advance(1)
    return Scene(served, folder, cast, service, reader, phones, held)


def two_phones(served: Served, practitioner: int) -> tuple[str, str]:
    """An active card with two phones; their keys."""
    world = served.world
    with writing(world.engine) as db:
        card = Card(
            practitioner_id=practitioner, holder=world.chance.token(32), state=ACTIVE, pin=None, made_at=world.now,
            expires_at=world.now.replace(year=2033),
        )  # fmt: skip
        db.add(card)
        db.flush()
        made = [
            Phone(card_id=card.id, practitioner_id=practitioner, token_digest=name, name=name, added_at=world.now)
            for name in ("Poche", "Cabinet")
        ]
        db.add_all(made)
        db.flush()
        return f"phone:{made[0].id}", f"phone:{made[1].id}"


def begin(served: Served, practitioner: int, means: str) -> tuple[str, requests.Session]:
    """A session opened by that means, and the browser that holds its cookie."""
    world = served.world
    proof = Authentication(
        practitioner=practitioner, mode=Mode.MOBILE, methods=("hwk",), level=Level.EIDAS2, means=means, at=world.now
    )
    with writing(world.engine) as db:
        begun = sessions.begin(
            db, proof, former=None, device="", lifetimes=world.dep.settings.lifetimes, chance=world.chance,
            now=world.now,
        )  # fmt: skip
        sid = begun.session.id
    browser = requests.Session()
    browser.cookies.set("psc-session", begun.secret, domain="localhost.local")
    return sid, browser


def hold(cast: Cast, client: tuple[str, str], session: tuple[str, requests.Session], activite: int) -> Holding:
    """A code not yet spent, and the tokens of another."""
    sid, browser = session
    tokens = cast.tokens(client, sid, activite=activite)
    return Holding(client, sid, browser, cast.code(client[0], sid, activite=activite), tokens)


def again(here: Scene) -> Holding:
    """The first person signs in anew, for the activity of the first profession as it is now."""
    doctor = activites(here.served.world, MINE)[0]["id"]
    return hold(here.cast, here.service, begin(here.served, here.practitioner, here.phones[1]), doctor)
