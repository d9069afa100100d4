"""What client programs of the real service do, in their own ways."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from tests.demo.visitor import Visitor

CALLBACK = "http://localhost:8765/callback"
SIGNED_OUT = "http://localhost:8765/signed-out"


class Provider(Protocol):
    """What a program must be told: the running demo's card, or that of a house with a clock of its own."""

    card: dict[str, Any]

    def client(self, client_id: str) -> dict[str, Any]: ...

    def otp(self, person: dict[str, Any]) -> str: ...


@dataclass
class Program:
    """A relying party: its registration, its addresses, the browser of its person."""

    demo: Provider
    client_id: str = "essai-psc"
    visitor: Visitor = field(default_factory=Visitor)

    @property
    def secret(self) -> str:
        return str(self.demo.client(self.client_id)["client_secret"])

    @property
    def credentials(self) -> tuple[str, str]:
        return self.client_id, self.secret

    @property
    def oidc(self) -> str:
        return f"{self.demo.card['issuer']}/protocol/openid-connect"

    def authorize(self, query: str, person: dict[str, Any] | None = None) -> dict[str, str]:
        """From the authorization address to the answer at the callback, by this query as it is."""
        self.visitor.page = self._go(f"{self.demo.card['wallet_url']}/auth?{query}")
        if person is not None and self.visitor.page.status_code == 200:
            self.prove(person)
        return self.followed(person)

    def followed(self, person: dict[str, Any] | None = None) -> dict[str, str]:
        """What the service hears at the end of our redirects; nothing when they end at a page of ours."""
        while self.visitor.page.status_code in (302, 303):
            location = urljoin(self.visitor.url, self.visitor.page.headers["Location"])
            if location.startswith(CALLBACK.rpartition("/")[0]):
                return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
            self.visitor.page = self._go(location)
            if person is not None and self.visitor.url.endswith("/sign-in"):
                self.prove(person)
        return {}

    def _go(self, url: str) -> requests.Response:
        return self.visitor.session.get(url, allow_redirects=False, timeout=20)

    def prove(self, person: dict[str, Any]) -> None:
        """On the sign-in page: by e-CPS code and one-time code."""
        number = person["national_id"]
        self.visitor.send("/sign-in", national_id=number)
        codes = {"ecps_code": person["ecps_code"], "otp": self.demo.otp(person)}
        self.visitor.send("/sign-in/code", follow=False, national_id=number, **codes)

    def sign_in(self, person: dict[str, Any], **more: str) -> dict[str, Any]:
        """The usual way; the token answer."""
        answer = self.authorize(self.query(**more), person)
        return self.redeem(answer["code"]).json()

    def query(self, **more: str) -> str:
        fields = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK,
                  "scope": "openid scope_all", "acr_values": "eidas1", **more}  # fmt: skip
        return urlencode({name: value for name, value in fields.items() if value})

    def redeem(self, code: str, **more: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
        return self.post("/token", form)

    def refresh(self, value: str) -> requests.Response:
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": value})

    def post(self, path: str, form: dict[str, str], **options: Any) -> requests.Response:
        options.setdefault("auth", self.credentials)
        return requests.post(self.oidc + path, data=form, timeout=10, allow_redirects=False, **options)

    def userinfo(self, token: str) -> requests.Response:
        return requests.get(self.oidc + "/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def decoded(token: str) -> dict[str, Any]:
    """What clients do with any of the three tokens: decode, without asking whose it is."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def leaves(value: Any) -> list[Any]:
    """Every value that is no container."""
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]
