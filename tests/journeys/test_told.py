"""The same ways to stop: which services are told of which session, by the worker's next look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc.models import Client
from pro_sante_connect.signals.delivery import deliver_due
from pro_sante_connect.signals.models import Delivery
from tests.journeys.holdings import Scene, scene
from tests.journeys.test_stops import STOPS
from tests.serving import serving
from tests.signals.test_delivery import Relay

# One browser holds what two services were given for two activities, the other one more; somebody else has her own.
HERE = {"first", "second activity", "second service"}
THERE, NOBODY = {"second session"}, set[str]()
EVERYWHERE = HERE | THERE
# What is over for a service alone is known to it: it is its own tokens that are refused. A backup was put back: the
# news of before it is lost with it.
OF_ONE = {
    "phone withdrawn": HERE, "logout": HERE, "session ended in the own space": HERE,
    "one exercice blocked": NOBODY, "one activity suspended": NOBODY, "one activity ended by staff": NOBODY,
    "one activity ended by a load": NOBODY, "service disabled": NOBODY, "consent withdrawn": NOBODY,
    "backup restored": NOBODY, "one activity suspended in the console": NOBODY,
}  # fmt: skip


@pytest.fixture
def here(engine: Engine, tmp_path: Path) -> Iterator[Scene]:
    with serving(engine) as served:
        built = scene(served, tmp_path)
        with writing(served.world.engine) as db:
            db.execute(update(Client).values(backchannel_logout_uri="https://service.example/out"))
        yield built


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_tells_the_services_of_the_sessions_that_it_ends_and_no_other(here: Scene, stop: str) -> None:
    STOPS[stop][0](here)
    world = here.served.world
    while deliver_due(world.dep, Relay()):
        pass
    with reading(world.engine) as db:
        told = {(one.client_id, one.session_id) for one in db.query(Delivery)}
    ended = OF_ONE.get(stop, EVERYWHERE)
    assert told == {(here.held[name].client[0], here.held[name].sid) for name in ended}
