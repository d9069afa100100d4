"""People signed in at services that want to hear of it."""

from dataclasses import dataclass
from typing import Any

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.signals.delivery import deliver_due
from pro_sante_connect.signals.models import Delivery
from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.signals.test_delivery import Relay
from tests.world import World


@dataclass
class Stage:
    """A cast; services are told at `https://NAME.example/out` unless they say where."""

    cast: Cast

    @property
    def world(self) -> World:
        return self.cast.world

    def service(self, name: str, url: str | None = None, **wish: Any) -> tuple[str, str]:
        told = f"https://{name}.example/out" if url is None else url
        exempt = (told.split("/")[2],) if told.startswith("http:") else ()
        asked = {"client_id": name, "name_fr": name, "profile": "psc", "redirect_uris": (CALLBACK,)}
        chosen = registration.Wish(**asked | {"backchannel_logout_uri": told} | wish)
        with writing(self.world.engine) as db:
            made = registration.register(
                db, chosen, exempt=exempt, origin=SYSTEM, chance=self.world.chance, now=self.world.now
            )
            return made.client.id, made.secret

    def visit(self, *services: tuple[str, str]) -> str:
        """A session in which each was given a code; its sid."""
        sid = self.cast.sign_in()
        for one in services:
            self.cast.code(one[0], sid)
        return sid

    def end(self, sid: str, reason: str = "logout") -> None:
        with writing(self.world.engine) as db:
            sessions.end(db, sid, origin=SYSTEM, reason=reason, now=self.world.now)

    def fan_out(self) -> None:
        """Until no note is due."""
        while deliver_due(self.world.dep, Relay()):
            pass

    def ledger(self) -> list[Delivery]:
        """All deliveries, oldest first."""
        with reading(self.world.engine) as db:
            return list(db.query(Delivery).order_by(Delivery.id))

    def told(self) -> list[tuple[str, str]]:
        """Of whom and of which session something stands in the ledger."""
        return sorted((one.client_id, one.session_id) for one in self.ledger())


def make_stage(world: World) -> Stage:
    return Stage(make_cast(world))
