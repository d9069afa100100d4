"""Every way to stop, for every kind of credential: true for the next request after the commit, and never undone.

A row is one way to write a stop; what it leaves alive is its whole description.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, select

from pro_sante_connect.access.models import Proposal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core import epoch
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.oidc.requests import consent
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.signals import withdrawal
from tests.access.clerk import clerk
from tests.journeys.holdings import DOCTOR, EVERYTHING, MINE, NURSE, SCOPE, Scene, again, registered, scene
from tests.rpps.files import load
from tests.serving import serving

Act = Callable[[Scene], None]

OF_OTHERS = {"second person": EVERYTHING}
OF_OTHER_SESSIONS = {**OF_OTHERS, "second session": EVERYTHING}
OF_OTHER_SERVICES = {"second service": EVERYTHING}
OF_OTHER_ACTIVITIES = {
    **OF_OTHER_SESSIONS, **OF_OTHER_SERVICES, "second activity": EVERYTHING, "first": {"cookie"},
}  # fmt: skip


@pytest.fixture
def here(engine: Engine, tmp_path: Path) -> Iterator[Scene]:
    with serving(engine) as served:
        yield scene(served, tmp_path)


def decide(verb: Callable[..., object], **terms: Any) -> Act:
    """A decision of staff about the person. A time from now is walked through, and a second more."""

    def act(here: Scene) -> None:
        world = here.served.world
        spans = [term for term in terms.values() if isinstance(term, timedelta)]
        said = {name: world.now + term if term in spans else term for name, term in terms.items()}
        with writing(world.engine) as db:
            verb(db, registry.get(db, here.practitioner), reason="DISC", origin=SYSTEM, now=world.now, **said)
        world.clock.advance(sum(span.total_seconds() + 1 for span in spans))

    return act


def block_every_exercice(here: Scene) -> None:
    for one in (DOCTOR, NURSE):
        decide(decisions.suspend, exercice=one)(here)


def on_first_activity(verb: Callable[..., object]) -> Act:
    return lambda here: decide(verb, activite=here.cast.activites[0])(here)


def end_activity(here: Scene) -> None:
    world = here.served.world
    with writing(world.engine) as db:
        known = registry.get(db, here.practitioner)
        decisions.end_activite(db, known, here.cast.activites[0], reason="AUT", origin=SYSTEM, now=world.now)


def file_of_tomorrow(**change: Any) -> Act:
    """A load in which the person is another."""

    def act(here: Scene) -> None:
        folder = here.folder / f"then{len(list(here.folder.iterdir()))}"
        assert load(here.served.world, registered(folder, **change), lenient=True).state == "published"

    return act


def gone_and_back(here: Scene) -> None:
    file_of_tomorrow(without=(MINE,))(here)
    here.served.world.clock.advance(1)
    file_of_tomorrow()(here)


def withdraw_phone(here: Scene) -> None:
    withdrawal.withdraw(here.served.world.dep, here.practitioner, here.phones[0], origin=SYSTEM)


def freeze(here: Scene) -> None:
    withdrawal.freeze(here.served.world.dep, here.practitioner, origin=SYSTEM)


def log_out(here: Scene) -> None:
    hint = {"id_token_hint": here.held["first"].tokens["id_token"]}
    assert requests.get(here.served.oidc + "/logout", hint).status_code == 200


def end_in_own_space(here: Scene) -> None:
    """From the person's other browser."""
    browser, base = here.held["second session"].browser, here.served.base
    token = re.findall(r'name="csrf_token" value="(\w+)"', browser.get(base + "/space/sessions").text)[0]
    address = f"{base}/space/sessions/{here.held['first'].sid}/end"
    assert browser.post(address, {"csrf_token": token}, allow_redirects=False).status_code == 303


def of_service(verb: Callable[..., object]) -> Act:
    def act(here: Scene) -> None:
        world = here.served.world
        with writing(world.engine) as db:
            verb(db, db.get_one(Client, here.service[0]), origin=SYSTEM, now=world.now)

    return act


def of_consent(verb: Callable[..., object], *terms: str) -> Act:
    def act(here: Scene) -> None:
        world = here.served.world
        with writing(world.engine) as db:
            verb(db, here.practitioner, here.service[0], *terms, origin=SYSTEM, now=world.now)

    return act


def restore(here: Scene) -> None:
    """A backup was put back."""
    with writing(here.served.world.engine) as db:
        epoch.bump(db)


def in_the_console(kind: str, reason: str, *, confirmed: bool = False, activity: bool = False) -> Act:
    """A registrar decides in her browser; a supervisor confirms in another."""

    def act(here: Scene) -> None:
        scope = {"scope": f"activite:{here.cast.activites[0]}"} if activity else {}
        clerk(here.served, "rosa", "registrar").decide(here.practitioner, kind, reason=reason, **scope)
        if confirmed:
            closed(here, "approve")

    return act


def closed(here: Scene, answer: str) -> None:
    with reading(here.served.world.engine) as db:
        number = db.scalars(select(Proposal.id).order_by(Proposal.id.desc())).first() or 0
    clerk(here.served, "sam", "supervisor").answer(number, answer, "vu")


def end_in_the_console(here: Scene) -> None:
    who = clerk(here.served, "rosa", "registrar")
    who.open(f"/staff/people/{here.practitioner}")
    who.visitor.send("/sessions/end")


SOON = timedelta(seconds=5)
STOPS: dict[str, tuple[Act, dict[str, set[str]]]] = {
    "suspension": (decide(decisions.suspend), OF_OTHERS),
    "suspension that has ended": (decide(decisions.suspend, until=SOON), OF_OTHERS),
    "suspension that has begun": (decide(decisions.suspend, effective=SOON), OF_OTHERS),
    "strike-off": (decide(decisions.strike_off), OF_OTHERS),
    "retirement": (decide(decisions.retire), OF_OTHERS),
    "death": (decide(decisions.record_death, evidence="act 12"), OF_OTHERS),
    "security block": (decide(decisions.block), OF_OTHERS),
    "limit of time reached": (decide(decisions.limit, until=SOON), OF_OTHERS),
    "one exercice blocked": (decide(decisions.suspend, exercice=DOCTOR), OF_OTHER_ACTIVITIES),
    "every exercice blocked": (block_every_exercice, OF_OTHERS),
    "one activity suspended": (on_first_activity(decisions.suspend), OF_OTHER_ACTIVITIES),
    "one activity ended by staff": (end_activity, OF_OTHER_ACTIVITIES),
    "one activity ended by a load": (file_of_tomorrow(professions=("60",)), OF_OTHER_ACTIVITIES),
    "absence by a load": (file_of_tomorrow(without=(MINE,)), OF_OTHERS),
    "absence and return": (gone_and_back, OF_OTHERS),
    "phone withdrawn": (withdraw_phone, OF_OTHER_SESSIONS),
    "card frozen": (freeze, OF_OTHERS),
    "logout": (log_out, OF_OTHER_SESSIONS),
    "session ended in the own space": (end_in_own_space, OF_OTHER_SESSIONS),
    "service disabled": (of_service(registration.disable), OF_OTHER_SERVICES),
    "consent withdrawn": (of_consent(consent.withdraw), {**OF_OTHERS, **OF_OTHER_SERVICES}),
    "backup restored": (restore, {}),
    "suspension proposed in the console": (in_the_console("suspension", "DISC"), OF_OTHERS),
    "suspension confirmed in the console": (in_the_console("suspension", "DISC", confirmed=True), OF_OTHERS),
    "strike-off proposed in the console": (in_the_console("strike-off", "DISC"), OF_OTHERS),
    "strike-off confirmed in the console": (in_the_console("strike-off", "DISC", confirmed=True), OF_OTHERS),
    "one activity suspended in the console": (
        in_the_console("suspension", "ADM", activity=True),
        OF_OTHER_ACTIVITIES,
    ),
    "retirement in the console": (in_the_console("retirement", "RL"), OF_OTHERS),
    "security block in the console": (in_the_console("security-block", "SECU"), OF_OTHERS),
    "card ended by two in the console": (in_the_console("means-reset", "SECU", confirmed=True), OF_OTHERS),
    "sessions ended in the console": (end_in_the_console, OF_OTHERS),
}


@pytest.mark.parametrize("stop", STOPS)
def test_from_the_commit_on_only_what_a_stop_does_not_touch_is_alive(here: Scene, stop: str) -> None:
    act, alive = STOPS[stop]
    act(here)
    assert here.everything_alive() == {name: alive.get(name, set()) for name in here.held}


def test_before_a_stop_everything_is_alive(here: Scene) -> None:
    assert here.everything_alive() == dict.fromkeys(here.held, EVERYTHING)


def lift(here: Scene) -> None:
    here.served.world.clock.advance(1)
    decide(decisions.reinstate)(here)


UNDONE: dict[str, tuple[Act, set[str]]] = {
    **dict.fromkeys(("suspension", "strike-off", "retirement", "death", "every exercice blocked"), (lift, set())),
    "suspension proposed in the console": (lambda here: closed(here, "refuse"), set()),
    "strike-off proposed in the console": (lambda here: closed(here, "refuse"), set()),
    "one exercice blocked": (lift, {"cookie"}),
    "one activity suspended": (lift, {"cookie"}),
    "one activity ended by a load": (file_of_tomorrow(), {"cookie"}),
    "absence by a load": (file_of_tomorrow(), set()),
    "service disabled": (of_service(registration.enable), {"cookie"}),
    "consent withdrawn": (of_consent(consent.remember, SCOPE), {"cookie"}),
}


@pytest.mark.parametrize("stop", UNDONE)
def test_what_a_stop_ended_stays_dead_when_the_stop_is_undone(here: Scene, stop: str) -> None:
    """Nobody tries anything in between; a new sign-in works at once."""
    undo, alive = UNDONE[stop]
    STOPS[stop][0](here)
    here.served.world.clock.advance(1)
    undo(here)
    here.served.world.clock.advance(1)
    assert here.alive(here.held["first"]) == alive
    assert here.alive(again(here)) == EVERYTHING
