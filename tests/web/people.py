"""A person with a phone in her hand, as the pages see her."""

import re
from dataclasses import dataclass, field

from tests.demo.visitor import Visitor
from tests.ecps.people import CODE, Candidate, candidate
from tests.serving import Served


@dataclass
class Phone(Visitor):
    """A browser that activates an e-CPS and is its phone afterwards."""

    served: Served
    person: Candidate = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()
        self.person = candidate(self.served.world)

    def go(self, path: str) -> str:
        return self.open(self.served.base + path)

    def to_code_app(self) -> str:
        """As far as the page that offers the code app; no passkey."""
        codes = self.person.ask()
        self.go("/activate/codes")
        self.send("/activate/codes", mail_code=codes["mail"], sms_code=codes["sms"])
        self.send("/activate/code", ecps_code=CODE)
        return self.send("/activate/passkey", skip="1")

    def read_secret(self) -> str:
        """What the app reads from the page."""
        found = re.search(r'<dd id="secret"><code>([A-Z2-7]+)</code>', self.page.text)
        assert found, self.page.text
        return found[1]

    def activate(self) -> "Phone":
        self.to_code_app()
        self.person.secret = self.read_secret()
        self.send("/activate/totp", otp=self.person.otp())
        self.send("/activate/done", name="Pixel")
        self.served.world.clock.advance(30)
        return self
