"""Machine addresses over real HTTP, through both doors: the thin layer and Flask."""

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import Engine

from tests.oidc.parties import CALLBACK, Cast, make_cast
from tests.serving import Served, serving


@pytest.fixture(params=["front", "flask"])
def served(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Served]:
    with serving(engine, front=request.param == "front") as running:
        yield running


@pytest.fixture
def people(served: Served) -> Cast:
    return make_cast(served.world)


def test_discovery_has_one_text_under_both_names_for_any_host(served: Served) -> None:
    realm = served.base + "/auth/realms/esante-wallet/.well-known/"
    answers = [requests.get(realm + name) for name in ("openid-configuration", "wallet-openid-configuration")]
    assert answers[0].content == answers[1].content
    hostile = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test;proto=http"}
    poisoned = requests.get(realm + "openid-configuration", headers=hostile)
    assert poisoned.content == answers[0].content
    assert answers[0].json()["issuer"] == served.base + "/auth/realms/esante-wallet"
    assert answers[0].headers["Content-Type"] == "application/json"


def test_a_code_becomes_tokens_and_an_identity(served: Served, people: Cast) -> None:
    client = people.client()
    form = {
        "grant_type": "authorization_code", "code": people.code(client[0], people.sign_in()), "redirect_uri": CALLBACK,
    }  # fmt: skip
    answer = requests.post(served.oidc + "/token", data=form, auth=client)
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Content-Type"]) == ("no-store", "application/json")
    assert "Set-Cookie" not in answer.headers
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    by_get = requests.get(served.oidc + "/userinfo", headers=bearer)
    by_post = requests.post(served.oidc + "/userinfo", headers=bearer)
    assert by_get.json() == by_post.json()
    assert requests.get(served.oidc + "/userinfo?access_token=x", headers=bearer).status_code == 401


def test_doubled_slashes_are_answered_in_place(engine: Engine) -> None:
    with serving(engine) as served:
        people = make_cast(served.world)
        tokens = people.tokens(people.client(), people.sign_in())
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = requests.post(served.oidc + "//userinfo", headers=bearer, allow_redirects=False)
        assert answer.status_code == 200


def test_other_methods_are_refused_with_the_allowed_ones(served: Served) -> None:
    for path, allowed in (("/token", "POST"), ("/certs", "GET"), ("/userinfo", "GET")):
        for method in ("PUT", "DELETE", "TRACE"):
            answer = requests.request(method, served.oidc + path)
            assert answer.status_code == 405
            assert allowed in answer.headers["Allow"]
    assert requests.get(served.oidc + "/token?code=x").status_code == 405


def test_browsers_of_registered_origins_may_read_answers(served: Served, people: Cast) -> None:
    people.client(web_origins=("https://app.example",))
    for path, origin, allowed in (
        ("/certs", "https://evil.test", "*"),
        ("/token", "https://app.example", "https://app.example"),
        ("/token", "https://evil.test", None),
        ("/token/introspect", "https://app.example", None),
    ):
        answer = requests.options(served.oidc + path, headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_body_over_the_limit_is_refused_early(served: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(served.oidc + "/token", data=b"a=" + b"x" * 300_000, headers=form)
    assert answer.status_code == 413
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_health_tells_status_only(served: Served) -> None:
    assert requests.get(served.base + "/health/live").json() == {"status": "live"}
    assert requests.get(served.base + "/health/ready").json() == {"status": "ready"}


def test_the_jwks_may_be_cached_for_less_than_the_notice_of_a_new_key(served: Served) -> None:
    assert requests.get(served.oidc + "/certs").headers["Cache-Control"] == "public, max-age=300"
    head = requests.head(served.oidc + "/certs")
    assert (head.status_code, head.content) == (200, b"")
