"""A browser without JavaScript: follows redirects, keeps cookies, sends the forms it sees."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests


class Visitor:
    """One browser profile."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.page = requests.Response()

    def open(self, url: str) -> str:
        """A page, redirects followed."""
        self.page = self.session.get(url, timeout=20)
        return self.text

    @property
    def text(self) -> str:
        return unescape(self.page.text)

    @property
    def url(self) -> str:
        return str(self.page.url)

    def send(self, action: str, *, follow: bool = True, **fields: str) -> str:
        """The first form of the page that can be sent to an address ending so, hidden fields included."""
        self.page = self.session.post(*self._form(action, fields), timeout=20, allow_redirects=follow)
        return self.text

    def _form(self, action: str, fields: dict[str, str]) -> tuple[str, dict[str, Any]]:
        for form in re.findall(r"<form.*?</form>", self.page.text, re.DOTALL):
            addresses = re.findall(r'(?:form)?action="([^"]+)"', form)
            chosen = next((one for one in addresses if re.search(f"{action}$", one)), None)
            if chosen is not None:
                hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
                return urljoin(self.url, chosen), {name: unescape(text) for name, text in hidden.items()} | fields
        raise AssertionError(f"no form for {action} on {self.url}: {self.page.text}")

    def choice(self, name: str) -> list[str]:
        """Values of the radio buttons of that name."""
        return re.findall(rf'<input type="radio" name="{name}"[^>]*value="([^"]+)"', self.page.text)
