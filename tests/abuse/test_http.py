"""Public documents and the doors themselves: odd hosts, paths, methods and bodies."""

import gzip

import pytest
import requests

from tests.abuse.forgeries import published
from tests.oidc.parties import Cast
from tests.serving import Served
from tests.web.test_door import raw
from tests.web.test_pages import ask, follow

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
HOSTILE = {
    "AB-DI-01": {"Host": "evil.test"},
    "AB-DI-02": {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "1"},
    "AB-DI-02 forwarded": {"Forwarded": "host=evil.test;proto=http"},
    "AB-DI-02 original": {"X-Original-URL": "/evil.test", "X-Rewrite-URL": "/evil.test", "X-Host": "evil.test"},
}


@pytest.mark.parametrize("row", HOSTILE)
def test_ab_di_01_02_no_header_changes_an_address_of_ours(served: Served, people: Cast, row: str) -> None:
    client = people.client()
    browser = requests.Session()
    for path in ("/.well-known/openid-configuration", "/.well-known/wallet-openid-configuration"):
        address = f"{served.base}/auth/realms/esante-wallet{path}"
        assert requests.get(address, headers=HOSTILE[row]).content == requests.get(address).content
    browser.headers.update(HOSTILE[row])
    page = follow(served, browser, ask(served, browser, client[0]))
    assert page.status_code == 200
    error = ask(served, browser, client[0], scope="admin")
    for answer in (page, error, browser.get(served.oidc + "/logout", allow_redirects=False)):
        assert "evil.test" not in answer.text + str(answer.headers)


def test_ab_di_05_to_08_keys_are_public_strong_and_named_once(served: Served) -> None:
    document = requests.get(served.base + "/auth/realms/esante-wallet/.well-known/openid-configuration").json()
    advertised = [value for name, values in document.items() if "_alg_values" in name for value in values]
    assert advertised
    assert not [word for word in advertised if word.lower() == "none" or word.startswith("HS")]
    keys = requests.get(served.oidc + "/certs").json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not PRIVATE & set(key)
        assert (key["use"], key["alg"] in document["id_token_signing_alg_values_supported"]) == ("sig", True)
        assert key["kty"] == "RSA" or key["crv"] == "P-256"
    assert len(published(served)["n"]) >= 342  # base64url of 2048 bits


@pytest.mark.parametrize("path", ["/auth", "/", "/space", "/sign-out", "/activate", "/phone", "/nowhere"])
def test_ab_di_10_no_page_may_be_read_by_another_origin(served: Served, path: str) -> None:
    origin = {"Origin": "https://evil.test"}
    for answer in (
        requests.get(served.base + path, headers=origin),
        requests.options(served.base + path, headers=origin),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    for name in ("/certs", "/../../.well-known/openid-configuration"):
        answer = requests.get(served.oidc + name, headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


PATHS = [
    "/.well-known/..%2fspace", "/auth/..;/space", "/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fapp.py",
    "/static/%2e%2e/%2e%2e/app.py", "/static/..%5c..%5capp.py", "/static/pages.css%00.html", "/static//etc/passwd",
    "/auth/realms/other/protocol/openid-connect/certs", "/auth/admin", "/admin", "/console", "/metrics", "/.env",
    "/.git/config", "/auth/realms/esante-wallet/protocol/openid-connect/token;x", "/AUTH", "/%61uth%00",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_ab_di_11_ht_17_no_spelling_of_a_path_opens_another(served: Served, path: str) -> None:
    with raw(served, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()) as connection:
        heard = b""
        while part := connection.recv(65_536):
            heard += part
    status, body = heard.split(b"\r\n", 1)[0].split()[1], heard.lower()
    assert status in (b"400", b"404")
    for word in (b"root:", b"traceback", b"werkzeug", b"uvicorn", b"python", b"sqlite", b"create_app"):
        assert word not in body  # AB-HT-10


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/token", "/userinfo", "/certs", "/revoke", "/token/introspect", "/logout"])
def test_ab_di_12_other_methods_are_refused_without_an_echo(served: Served, path: str, method: str) -> None:
    answer = requests.request(method, served.oidc + path, headers={"X-Echo": "said-back"}, data="said-back")
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert "said-back" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/auth", "/space", "/sign-out", "/activate"])
def test_ab_di_12_nor_at_pages(served: Served, path: str, method: str) -> None:
    answer = requests.request(method, served.base + path, allow_redirects=False)
    assert (answer.status_code, bool(answer.headers["Allow"])) == (405, True)


@pytest.mark.parametrize("line", [b"FOO / HTTP/1.1", b"GET / HTTP/9.9", b"GET /a b HTTP/1.1", b"GET", b"\x16\x03\x01"])
def test_ab_di_12_what_is_no_request_is_answered_and_hung_up_on(served: Served, line: bytes) -> None:
    with raw(served, line + b"\r\nHost: x\r\nUser-Agent: \x1b[31m\r\n\r\n") as connection:
        heard = b""
        while part := connection.recv(65_536):
            heard += part
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert heard.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("path", ["/auth", "/activate", "/sign-out"])
def test_ab_ht_02_a_thousand_parts_are_too_many(served: Served, path: str) -> None:
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\nv\r\n' for n in range(2000))
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = requests.post(served.base + path, parts + "--x--\r\n", headers=kind, allow_redirects=False)
    assert answer.status_code in (400, 413)
    fields = "&".join(f"f{number}=v" for number in range(20_000))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(served.base + path, fields, headers=form, allow_redirects=False)
    assert answer.status_code in (400, 413)


def test_ab_ht_08_a_compressed_body_is_not_unpacked(served: Served, people: Cast) -> None:
    bomb = gzip.compress(b"grant_type=" + b"a" * 50_000_000)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    answer = requests.post(served.oidc + "/token", bomb, auth=people.client(), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("agent", ["kube-probe/1.2", "GoogleHC/1.0", "ELB-HealthChecker/2.0", ""])
def test_ab_ht_13_who_one_says_to_be_changes_nothing(served: Served, people: Cast, agent: str) -> None:
    headers = {"User-Agent": agent.encode()}
    assert requests.get(served.base + "/space", headers=headers, allow_redirects=False).is_redirect
    assert requests.get(served.oidc + "/userinfo", headers=headers).status_code == 401
    assert requests.get(served.base + "/health/live", headers=headers).json() == {"status": "live"}


SMUGGLED = {
    "AB-TK-25 both lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "AB-TK-25 twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "AB-TK-25 two lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "AB-TK-25 space": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "AB-TK-25 fold": b"X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "AB-TK-25 sign": b"Content-Length: +1\r\n\r\na",
}


@pytest.mark.parametrize("row", SMUGGLED)
def test_ab_tk_25_a_request_with_two_ends_is_one_request(served: Served, row: str) -> None:
    """Whatever is said about its length, what follows is never taken for a second request of somebody else."""
    path = served.oidc.removeprefix(served.base)
    head = f"POST {path}/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n".encode()
    second = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with raw(served, head + SMUGGLED[row] + second) as connection:
        heard = b""
        while part := connection.recv(65_536):
            heard += part
    assert b" 5" not in heard[:12]
    assert heard.count(b"HTTP/1.1 400") + heard.count(b"HTTP/1.1 401") >= 1
    assert heard.count(b"HTTP/1.1") <= 2
