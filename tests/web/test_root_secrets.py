"""A form that was open when a new root secret came is still ours; one of a dropped root is not."""

import re

import pytest
from flask import Flask
from sqlalchemy import Engine

from pro_sante_connect.app import create_app
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.settings import Database, Settings

OLD, NEW, SECRET = b"k" * 32, b"n" * 32, "b" * 32


def provider(engine: Engine, *roots: bytes) -> Flask:
    url = engine.url.render_as_string(hide_password=False)
    return create_app(Settings(database=Database(url=url)), vault=vault_of(roots))


@pytest.mark.parametrize(("roots", "status"), [((NEW, OLD), 303), ((NEW,), 400)])
def test_a_form_outlives_a_new_root_secret(engine: Engine, roots: tuple[bytes, ...], status: int) -> None:
    token, answers = "", []
    for app in (provider(engine, OLD), provider(engine, *roots)):
        browser = app.test_client()
        browser.set_cookie("psc-browser", SECRET)
        if not token:
            found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', browser.get("/activate").text)
            assert found
            token = found[1]
        sent = {"csrf_token": token, "national_id": "899820424051"}
        answers.append(browser.post("/activate", data=sent).status_code)
        app.extensions["psc"].dep.engine.dispose()
    assert answers == [303, status]
