"""Return addresses: whatever resembles a registered one is refused on our own page, and nobody is sent there.

Rows bear the numbers of the abuse matrix: AB-AZ at the authorization endpoint, AB-LO at logout.
"""

from html import escape

import pytest
import requests
from sqlalchemy import func, select

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.oidc import registration
from pro_sante_connect.oidc.models import Authorization, Client
from tests.oidc.parties import CALLBACK, Cast
from tests.serving import Served
from tests.web.test_pages import ask, follow, returned, signed_in

# The registered address is https://dossier.example/callback.
TRICKS = [
    ("AB-AZ-01", "https://evil.test/callback"),
    ("AB-AZ-02", "https://dossier.example/callback/x"),
    ("dot-dot", "https://dossier.example/callback/../evil"),
    ("AB-AZ-04", "https://dossier.example/callback/%2e%2e/evil"),
    ("AB-AZ-05", "https://dossier.example/callback/..;/evil"),
    ("AB-AZ-06", "https://dossier.example.evil.test/callback"),
    ("AB-AZ-07", "https://dossier.example@evil.test/callback"),
    ("AB-AZ-08", "https://dossier.example@x@evil.test/callback"),
    ("fragment", "https://dossier.example/callback#evil"),
    ("AB-AZ-10", "https://dossier.example\\@evil.test/callback"),
    ("AB-AZ-10", "https:\\\\evil.test"),
    ("AB-AZ-11", "https://DOSSIER.example/callback"),
    ("AB-AZ-11", "https://dossier.example/CALLBACK"),
    ("AB-AZ-12", "https://dossier.example/callback?x=1"),
    ("AB-AZ-12", "https://dossier.example/callback?"),
    ("AB-AZ-13", "https://dossier.example/callback/"),
    ("AB-AZ-14", "https://dossier.example:443/callback"),
    ("other port", "https://dossier.example:8443/callback"),
    ("AB-AZ-16", "http://dossier.example/callback"),
    ("AB-AZ-17", "JaVaScRiPt:alert(1)"),
    ("AB-AZ-18", "DATA:text/html,x"),
    ("AB-AZ-19", "https://dossier.example/callback\r\nX-Evil: 1"),
    ("AB-AZ-19", " https://dossier.example/callback"),
    ("AB-AZ-19", "https://dossier.example/callback\t"),
    ("AB-AZ-20", "https://dossi\u0435r.example/callback"),
    ("AB-AZ-20", "https://xn--dossir-5of.example/callback"),
    ("AB-AZ-20", "https://dossier\u3002example/callback"),
    ("AB-AZ-23", "https://*/callback"),
    ("AB-AZ-24", "/callback"),
    ("AB-AZ-24", "//evil.test/callback"),
    ("AB-AZ-25", "http://[::1%25eth0]/callback"),
    ("AB-AZ-25", "http://[::1\n]/callback"),
    ("5 kB", "https://dossier.example/callback" + "x" * 5000),
]
ROWS = pytest.mark.parametrize("address", [uri for _, uri in TRICKS], ids=[name for name, _ in TRICKS])


def grants(served: Served) -> int:
    with reading(served.world.engine) as db:
        return int(db.scalar(select(func.count()).select_from(Authorization)) or 0)


def stays_with_us(answer: requests.Response, address: str) -> None:
    """A page of ours, with no way to the address."""
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Security-Policy"].endswith("form-action 'self'")
    for attribute in ("href", "action", "src"):
        assert f'{attribute}="{escape(address)}"' not in answer.text


@ROWS
def test_an_address_that_only_resembles_is_never_redirected_to(served: Served, people: Cast, address: str) -> None:
    client, browser = people.client(asks_consent=False), signed_in(served, people)
    before = grants(served)
    stays_with_us(ask(served, browser, client[0], redirect_uri=address), address)
    # AB-AZ-29: another fault does not open the way; AB-AZ-56: nor does a form.
    for fault in ({"response_type": "token"}, {"scope": "admin"}, {"code_challenge": "x"}, {"prompt": "none"}):
        stays_with_us(ask(served, browser, client[0], redirect_uri=address, **fault), address)
    form = {"client_id": client[0], "redirect_uri": address, "response_type": "code", "scope": "openid"}
    stays_with_us(browser.post(served.base + "/auth", form, allow_redirects=False), address)
    twice = [*form.items(), ("redirect_uri", CALLBACK)]
    stays_with_us(browser.post(served.base + "/auth", twice, allow_redirects=False), address)
    assert grants(served) == before
    silent = follow(served, browser, ask(served, browser, client[0], prompt="none"))
    assert returned(silent)["code"]  # the twin: the very address, the same session


@ROWS
def test_after_a_logout_nobody_is_sent_to_such_an_address(served: Served, people: Cast, address: str) -> None:
    client = people.client(post_logout_redirect_uris=(CALLBACK,))
    hint = people.tokens(client, people.sign_in())["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": address, "state": "s"}
    for answer in (
        requests.get(served.oidc + "/logout", asked, allow_redirects=False),
        requests.post(served.oidc + "/logout", asked, allow_redirects=False),
    ):
        assert answer.status_code == 200
        assert "Location" not in answer.headers
        assert f'href="{escape(address)}"' not in answer.text
    good = requests.get(served.oidc + "/logout", asked | {"post_logout_redirect_uri": CALLBACK}, allow_redirects=False)
    assert good.headers["Location"] == CALLBACK + "?state=s"


def test_ab_az_22_a_private_scheme_is_matched_whole(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False, redirect_uris=("example.dossier:/callback",))
    browser = signed_in(served, people)
    for address in ("example.dossier:/callback2", "example.dossier:/call", "example.dossier://callback", "example:/"):
        stays_with_us(ask(served, browser, client[0], redirect_uri=address), address)
    good = ask(served, browser, client[0], redirect_uri="example.dossier:/callback")
    assert good.headers["Location"].startswith("example.dossier:/callback?")


def test_ab_az_26_without_an_address_none_is_chosen(served: Served, people: Cast) -> None:
    client = people.client(redirect_uris=(CALLBACK, "https://dossier.example/other"))
    stays_with_us(ask(served, requests.Session(), client[0], redirect_uri=""), CALLBACK)


def test_ab_az_30_31_an_unknown_and_a_disabled_client_look_the_same(served: Served, people: Cast) -> None:
    def seen(client: str) -> tuple[int, str]:
        answer = ask(served, requests.Session(), client)
        stays_with_us(answer, CALLBACK)
        return answer.status_code, answer.text.replace(client, "").partition("Référence")[0]

    disabled = people.client()[0]
    assert ask(served, requests.Session(), disabled).headers["Location"].startswith("/journey/")
    with writing(served.world.engine) as db:
        registration.disable(db, db.get_one(Client, disabled), origin=SYSTEM, now=served.world.now)
    assert seen(disabled) == seen("nobody-at-all") == seen("x" * 300)
    stays_with_us(ask(served, requests.Session(), "a\0b"), CALLBACK)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "response_type", "nonce", "prompt",
                                  "acr_values", "code_challenge", "max_age", "response_mode"])  # fmt: skip
def test_ab_az_28_a_parameter_said_twice_differently_is_refused(served: Served, people: Cast, name: str) -> None:
    client = people.client(asks_consent=False)
    fields = {"client_id": client[0], "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid scope_all",
              "state": "s", "nonce": "n", "acr_values": "eidas1"}  # fmt: skip
    known = fields.get(name, "query" if name == "response_mode" else "1")
    pairs = [*(fields | {name: known}).items(), (name, "another")]
    for order in (pairs, pairs[::-1]):
        answer = requests.get(served.base + "/auth", order, allow_redirects=False)
        if name in ("client_id", "redirect_uri"):
            stays_with_us(answer, "another")
        else:
            assert returned(answer)["error"] == "invalid_request"
    assert (
        requests.get(served.base + "/auth", [*fields.items(), ("state", "s")], allow_redirects=False).status_code == 303
    )
