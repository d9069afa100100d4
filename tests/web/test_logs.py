"""What the log of a whole sign-in holds: a line per request with its number, and no secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import Engine

from pro_sante_connect.core.logs import JsonLines
from tests.oidc.parties import CALLBACK, make_cast
from tests.serving import serving


class Kept(logging.Handler):
    """The lines, as a deployment would write them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    logger, handler = logging.getLogger("psc"), Kept()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize("front", [True, False])
def test_each_request_leaves_one_line_with_its_number_and_no_secret(engine: Engine, kept: Kept, front: bool) -> None:
    with serving(engine, front=front) as served:
        people = make_cast(served.world)
        people.machine = served.app.extensions["psc"].machine
        client, sid = people.client(), people.sign_in()
        code = people.code(client[0], sid)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answers = [requests.post(served.oidc + "/token", data=form, auth=client, timeout=10)]
        tokens = answers[0].json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answers += [
            requests.get(served.oidc + "/userinfo", headers=bearer, timeout=10),
            requests.post(served.oidc + "/token/introspect", data={"token": tokens["refresh_token"]}, auth=client,
                          timeout=10),
            requests.post(served.oidc + "/token", data=form, auth=client, timeout=10),
            requests.post(served.oidc + "/token", data=form, auth=(client[0], "guessed-secret"), timeout=10),
            requests.get(f"{served.base}/auth?client_id={client[0]}&state=hidden-state", timeout=10),
            requests.get(served.base + "/nowhere\r\nforged", timeout=10),
        ]  # fmt: skip
    documents = [json.loads(line) for line in kept.lines]
    numbers = [answer.headers["X-Request-Id"] for answer in answers]
    assert [one["request"] for one in documents if one["message"] == "request"] == numbers
    assert len(set(numbers)) == len(numbers)
    said = "\n".join(kept.lines)
    secrets = [code, client[1], sid, tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]
    for secret in [*secrets, "guessed-secret", "hidden-state", "forged", "ARROSOIR", "899820424051"]:
        assert secret not in said
