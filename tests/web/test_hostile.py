"""What no browser of ours sends is a refusal with a reference, never a 5xx."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from sqlalchemy import func, select

from pro_sante_connect.core.database import reading
from pro_sante_connect.oidc.models import Consent
from tests.oidc.parties import make_cast
from tests.serving import Served
from tests.web.test_pages import ask, follow, signed_in


def token_of(page: requests.Response) -> str:
    return re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]


@pytest.mark.parametrize(
    "path",
    [
        "/journey/a%00b", "/journey/a%00b/wait", "/phone/scan/a%00b.c", "/nowhere%00", "/?lang=%00",
        "/sign-out?client_id=a%00b&post_logout_redirect_uri=x", "/pair?t=%00", "/pair?%00=t",
        "/auth?client_id=a%00b", "/auth/realms/esante-wallet/protocol/openid-connect/logout?client_id=a%00b",
    ],
)  # fmt: skip
def test_a_nul_in_an_address_is_refused_on_a_page(served: Served, path: str) -> None:
    answer = requests.get(served.base + path, allow_redirects=False)
    assert answer.status_code == 400
    assert "Référence" in answer.text


@pytest.mark.parametrize("form", [{"national_id": "8\0"}, {"x\0": "y"}])
@pytest.mark.parametrize("path", ["/activate", "/activate/codes", "/pair", "/sign-out", "/nowhere"])
def test_a_nul_in_a_form_is_refused_on_a_page(served: Served, path: str, form: dict[str, str]) -> None:
    browser = requests.Session()
    token = token_of(browser.get(served.base + "/activate"))
    answer = browser.post(served.base + path, data=form | {"csrf_token": token}, allow_redirects=False)
    assert answer.status_code == 400
    assert "Référence" in answer.text


def test_of_many_clicks_on_the_agreement_none_fails_and_one_agreement_is_kept(served: Served) -> None:
    people = make_cast(served.world)
    for _ in range(5):
        client = people.client(asks_consent=True)[0]
        browser = signed_in(served, people)
        page = follow(served, browser, ask(served, browser, client))
        address = page.url
        form, cookies = {"csrf_token": token_of(page)}, {one.name: one.value or "" for one in browser.cookies}

        def click(_: int, where: str = address, form: dict[str, str] = form, cookies: dict[str, str] = cookies) -> int:
            return requests.post(where, data=form, cookies=cookies, allow_redirects=False).status_code

        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(click, range(6))) <= {303, 404}
        with reading(served.world.engine) as db:
            assert db.scalar(select(func.count()).where(Consent.client_id == client)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[" * 100_000, 413), ("[" * 4000, 200), ('{"national_id":' * 250, 200), ("", 200), ("{", 200), ("[]", 200),
        ('{"national_id": ["x"]}', 200), ('{"national_id": "\\ud800\\u0000"}', 200),
        ('{"national_id": ' + "9" * 4000 + "}", 200),
    ],
)  # fmt: skip
def test_a_hostile_body_is_answered(served: Served, body: str, status: int) -> None:
    people = make_cast(served.world)
    browser = requests.Session()
    page = follow(served, browser, ask(served, browser, people.client()[0]))
    headers = {"X-CSRF-Token": token_of(page), "Content-Type": "application/json"}
    answer = browser.post(f"{page.url}/passkey/options", data=body, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("key", ["a%0d%0aX:1", "%E2%82%AC", "a%20b", "passkey:1"])
def test_the_way_back_after_a_sign_in_is_an_address_whatever_it_was_made_of(served: Served, key: str) -> None:
    people = make_cast(served.world)
    browser = requests.Session()
    journey = browser.get(f"{served.base}/space/means/{key}/withdraw", allow_redirects=False).headers["Location"]
    browser.cookies.update(signed_in(served, people).cookies)
    back = browser.get(served.base + journey, allow_redirects=False)
    assert back.status_code == 303
    assert back.headers["Location"].isascii()
    assert browser.get(served.base + back.headers["Location"]).status_code == 404
