"""One served house and one browser page on which every page of the product can be brought in a moment.

What a person would do before is done by the rooms' own verbs or by a browser without JavaScript; then its cookies
go to the real browser, which opens the page.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page

from pro_sante_connect.core.database import reading
from pro_sante_connect.ecps import means, phones
from pro_sante_connect.ecps.approval_phone import phone_view
from tests.demo.visitor import Visitor
from tests.ecps.people import Candidate, candidate
from tests.ecps.requests import Asked
from tests.oidc.parties import NATIONAL_ID, Cast
from tests.serving import Served
from tests.web.test_door import unknown
from tests.web.test_pages import signed_in

LATER = 3700  # seconds: no counter of an earlier page matters any more


@dataclass
class Stage:
    """`holder` is the practitioner of `people` with every means, `busy` has many activities; `seen` are the templates
    rendered, in order."""

    served: Served
    people: Cast
    holder: Candidate
    busy: Cast
    page: Page
    visitor: Visitor = field(default_factory=Visitor)
    seen: list[str] = field(default_factory=list)
    strangers: int = 0

    def clear(self, language: str, *, later: float = LATER) -> None:
        """Another browser, later."""
        self.page.goto("about:blank")  # no script of the page before acts any more
        self.served.world.clock.advance(later)
        self.visitor = Visitor()
        self.profile.clear_cookies()
        self.keep("psc-language", language)
        self.seen.clear()

    @property
    def profile(self) -> BrowserContext:
        return self.page.context

    @property
    def base(self) -> str:
        return self.served.base

    def keep(self, name: str, value: str) -> None:
        """A cookie of the real browser."""
        self.profile.add_cookies([{"name": name, "value": value, "url": self.base}])

    def stranger(self) -> Candidate:
        """Somebody new of the registry."""
        self.strangers += 1
        made = candidate(self.served.world, "8" + unknown(self.strangers))
        made.seed = 1 + self.strangers
        return made

    def sign_in(self, person: Candidate | Cast | None = None) -> None:
        """The visitor has a session of that person."""
        self.visitor.session = signed_in(self.served, person or self.holder)

    def phone(self, person: Candidate | None = None) -> None:
        """The real browser is that person's phone."""
        self.keep("psc-phone", (person or self.holder).phone)

    def client(self, **wish: Any) -> str:
        return self.people.client(**wish)[0]

    def ask(self, client: str, **more: str) -> str:
        """The address at which a service sends the browser."""
        callback = "https://dossier.example/callback"
        parameters = {"client_id": client, "redirect_uri": callback, "response_type": "code", "state": "s"}
        return f"{self.base}/auth?" + urlencode(parameters | {"scope": "openid scope_all"} | more)

    def journey(self, **wish: Any) -> None:
        """The visitor is at the first page of a service's request."""
        self.visitor.open(self.ask(self.client(**wish)))

    def go(self, address: str = "") -> None:
        """The real browser takes the visitor's cookies and opens an address, else the page of the visitor."""
        for cookie in self.visitor.session.cookies:
            self.keep(cookie.name, str(cookie.value))
        self.page.goto(self.base + address if address.startswith("/") else address or self.visitor.url)

    def send(self, button: str = "#submit", **fields: str) -> None:
        """Fill a form of the page and send it, though the browser would mend it first."""
        for id, text in fields.items():
            self.page.fill(f"#{id}", text)
        self.page.evaluate("for (const form of document.forms) form.noValidate = true")
        self.page.click(button)
        self.page.wait_for_load_state()

    def wait(self) -> Asked:
        """The visitor waits for the holder's phone."""
        self.journey()
        self.visitor.send("/phone", national_id=NATIONAL_ID)
        world = self.served.world
        with reading(world.engine) as db:
            phone = phones.find(db, self.holder.phone, now=world.now)
            assert phone is not None
            view = phone_view(db, phone, dep=world.dep)
        assert view is not None
        return Asked(self.holder, view.id)

    def number(self) -> str:
        """What the visitor's page shows."""
        shown = re.search(r'id="number">([\d ]+)<', self.visitor.text)
        assert shown
        return shown[1].replace(" ", "")

    def means(self, person: Candidate, kind: str) -> str:
        """The key of that person's means of that kind."""
        with reading(self.served.world.engine) as db:
            return next(one.key for one in means.of(db, person.practitioner) if one.kind == kind)
