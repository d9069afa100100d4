"""Debian's Chromium, once per run, and what its pages complain about: a complaint fails the test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, sync_playwright
from sqlalchemy import Engine

from tests.stores import empty

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-gpu",
]  # fmt: skip


@dataclass
class Complaints:
    """Errors on the console (a breach of the policy is one) and errors that no script caught, of every profile."""

    heard: list[str] = field(default_factory=list)
    documents: set[str] = field(default_factory=set)

    def watch(self, profile: BrowserContext) -> None:
        profile.on("request", self._request)
        profile.on("console", self._console)
        profile.on("weberror", lambda problem: self.heard.append(str(problem.error)))

    def _request(self, request: Request) -> None:
        if request.is_navigation_request():
            self.documents.add(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium writes a line for every document that is no 200: a form that came back is no fault of the page.
        of_page = message.text.startswith("Failed to load resource") and message.location["url"] in self.documents
        if message.type == "error" and not of_page:
            self.heard.append(f"{message.text} ({message.location['url']})")


@pytest.fixture(scope="session")
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture(scope="session")
def chromium(complaints: Complaints) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), chromium_sandbox=False, args=FLAGS)
        browser.on("context", complaints.watch)
        yield browser
        browser.close()


@pytest.fixture
def engine(engines: dict[str, Engine]) -> Iterator[Engine]:
    """Browsers meet the store through HTTP: one kind of store is enough here."""
    yield engines["sqlite"]
    empty(engines["sqlite"])


@pytest.fixture(autouse=True)
def _no_complaint(chromium: Browser, complaints: Complaints) -> Iterator[None]:
    """What module fixtures heard counts for the first test that uses them."""
    yield
    for profile in chromium.contexts:
        profile.cookies()  # a round trip: everything said before it has arrived
    heard, complaints.heard = complaints.heard, []
    complaints.documents.clear()
    assert heard == []
