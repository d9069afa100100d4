"""Cookies: what one holds opens nothing else, and each goes away when it is told to."""

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import Engine, select

from pro_sante_connect.core.database import reading
from pro_sante_connect.core.vault import Purpose
from pro_sante_connect.oidc.models import SigningKey
from tests.oidc.parties import make_cast
from tests.serving import Served, serving
from tests.web.test_pages import ask, follow


@pytest.fixture
def served(engine: Engine) -> Iterator[Served]:
    with serving(engine) as running:
        yield running


@pytest.mark.parametrize("cookie", ["psc-number", "psc-typed"])
def test_a_cookie_shows_nothing_of_what_rests_sealed_in_the_store(served: Served, cookie: str) -> None:
    client = make_cast(served.world).client()[0]
    vault = served.world.dep.vault
    with reading(served.world.engine) as db:
        held = db.scalars(select(SigningKey.sealed)).first() or b""
    assert vault.open(held, purpose=Purpose.SIGNING_KEY).startswith(b"-----BEGIN")
    stolen = [held, *(vault.seal(b"-----BEGIN", purpose=one) for one in Purpose if "cookie" not in one)]
    for sealed in stolen:
        browser = requests.Session()
        browser.cookies.set(cookie, sealed.decode(), domain="localhost.local")
        page = follow(served, browser, ask(served, browser, client))
        assert page.status_code == 200
        assert "BEGIN" not in page.text
