"""Exactly once, for real: several processes use the same one-time values at the same moment."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pro_sante_connect.core.database import open_engine
from pro_sante_connect.oidc.endpoints.machine import Machine
from pro_sante_connect.oidc.endpoints.token import token
from tests.oidc.parties import CALLBACK, Cast, document, make_cast
from tests.world import World, make_world

PROCESSES, USES, VALUES = 4, 12, 1000
THREADS = USES // PROCESSES


def _use(url: str, forms: list[dict[str, str]], start: Any, results: Any) -> None:
    """One worker process: its own engine and caches, each form on several threads at once."""
    engine = open_engine(url)
    world = make_world(engine)
    cast = Cast(world, Machine.of(world.dep), 0, (0, 0))
    start.wait()

    def once(form: dict[str, str]) -> tuple[str, int, str]:
        answer = cast.post(token, form)
        return form.get("code") or form["refresh_token"], answer.status, document(answer).get("access_token", "")

    with ThreadPoolExecutor(THREADS) as pool:
        outcome = list(pool.map(once, [form for form in forms for _ in range(THREADS)]))
    engine.dispose()
    results.put(json.dumps(outcome))


def _race(world: World, forms: list[dict[str, str]]) -> dict[str, list[str]]:
    """Every form, `USES` times, over `PROCESSES` processes; the access tokens each value opened."""
    context = multiprocessing.get_context("spawn")
    results, start = context.Queue(), context.Barrier(PROCESSES)
    url = world.engine.url.render_as_string(hide_password=False)
    workers = [context.Process(target=_use, args=(url, forms, start, results)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    outcomes = [entry for _ in workers for entry in json.loads(results.get(timeout=300))]
    for worker in workers:
        worker.join(timeout=60)
    results.close()
    results.join_thread()
    assert all(status in (200, 400) for _, status, _ in outcomes), "a race must never look like a defect"
    opened: dict[str, list[str]] = {}
    for value, _, access in outcomes:
        opened.setdefault(value, []).extend([access] if access else [])
    assert len(outcomes) == len(forms) * USES
    return opened


@pytest.fixture
def cast(world: World) -> Cast:
    return make_cast(world)


def test_a_code_is_redeemed_exactly_once(world: World, cast: Cast) -> None:
    client, sid = cast.client(), cast.sign_in()
    credentials = {"client_id": client[0], "client_secret": client[1], "redirect_uri": CALLBACK}
    codes = [cast.code(client[0], sid) for _ in range(VALUES)]
    forms = [{"grant_type": "authorization_code", "code": code} | credentials for code in codes]
    opened = _race(world, forms)
    assert {len(tokens) for tokens in opened.values()} == {1}
    assert len(opened) == VALUES


def test_a_refresh_token_is_rotated_exactly_once(world: World, cast: Cast) -> None:
    client, sid = cast.client(), cast.sign_in()
    credentials = {"client_id": client[0], "client_secret": client[1]}
    held = [cast.tokens(client, sid)["refresh_token"] for _ in range(VALUES)]
    forms = [{"grant_type": "refresh_token", "refresh_token": value} | credentials for value in held]
    opened = _race(world, forms)
    assert {len(tokens) for tokens in opened.values()} == {1}
    # the eleven others were reuse: each whole family is dead
    assert {cast.userinfo(tokens[0]).status for tokens in opened.values()} == {401}
