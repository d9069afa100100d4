"""A provider, a person of its registry, and two browser profiles: her phone and a computer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from tests.ecps.people import Candidate, reached
from tests.oidc.parties import Cast, make_cast
from tests.serving import Served, serving


@dataclass
class Pair:
    served: Served
    people: Cast
    person: Candidate
    phone: Page
    computer: Page

    def ask(self, **wish: Any) -> str:
        """The address of a service's request; it ends on a page that exists, since the browser must land somewhere."""
        callback = self.served.base + "/health/live"
        client = self.people.client(redirect_uris=(callback,), **wish)[0]
        parameters = {"client_id": client, "redirect_uri": callback, "response_type": "code", "state": "s"}
        return f"{self.served.base}/auth?" + urlencode(parameters | {"scope": "openid scope_all"})

    def welcomed(self) -> None:
        self.computer.wait_for_url("**/health/live?*code=*")

    def number(self) -> str:
        """What the computer shows."""
        return self.computer.inner_text("#number").replace(" ", "")


@contextmanager
def pair(engine: Engine, chromium: Browser, **profile: Any) -> Iterator[Pair]:
    with serving(engine) as served:
        people = make_cast(served.world)
        pages = [chromium.new_context(locale="fr-FR", **profile).new_page() for _ in range(2)]
        yield Pair(served, people, reached(served.world, people.practitioner), pages[0], pages[1])
        for page in pages:
            page.context.close()
