"""The token endpoint: a code that does not fit, and forms that are oddly made."""

import pytest
import requests

from tests.oidc.parties import CALLBACK, CHALLENGE, VERIFIER, Cast
from tests.serving import Served

VERIFIERS = {
    "AB-PK-05": (CHALLENGE, {}), "AB-PK-06": (CHALLENGE, {"code_verifier": ""}),
    "AB-PK-07 wrong": (CHALLENGE, {"code_verifier": "w" * 43}),
    "AB-PK-07 short": (CHALLENGE, {"code_verifier": "v" * 42}),
    "AB-PK-07 long": (CHALLENGE, {"code_verifier": "v" * 129}),
    "AB-PK-07 sign": (CHALLENGE, {"code_verifier": "v" * 42 + "/"}),
    "AB-PK-07 challenge": (CHALLENGE, {"code_verifier": CHALLENGE}), "AB-PK-08": ("", {"code_verifier": VERIFIER}),
    "AB-TK-05 other": ("", {"redirect_uri": "https://dossier.example/other"}),
    "AB-TK-05 slash": ("", {"redirect_uri": CALLBACK + "/"}), "AB-TK-05 missing": ("", {"redirect_uri": ""}),
}  # fmt: skip


@pytest.mark.parametrize("row", VERIFIERS)
def test_ab_pk_a_code_without_its_verifier_and_address_is_burnt(served: Served, people: Cast, row: str) -> None:
    challenge, bent = VERIFIERS[row]
    client = people.client(redirect_uris=(CALLBACK, "https://dossier.example/other"))
    sent = {"code_challenge": challenge, "code_challenge_method": "S256"} if challenge else {}
    right = {"code_verifier": VERIFIER} if challenge else {}

    def redeem(code: str, extra: dict[str, str]) -> int:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | extra
        answer = requests.post(served.oidc + "/token", form, auth=client)
        assert answer.status_code == 200 or answer.json()["error"] == "invalid_grant"
        return answer.status_code

    burnt, good = (people.code(client[0], people.sign_in(), **sent) for _ in range(2))
    assert [redeem(burnt, bent), redeem(burnt, right)] == [400, 400]
    assert redeem(good, right) == 200


def test_ab_tk_08_a_code_is_good_as_it_was_given_only(served: Served, people: Cast) -> None:
    client = people.client()
    code = people.code(client[0], people.sign_in())
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    for bent in (code[:-1], code + "A", code.swapcase(), " " + code, code + "\n", "%" + code, code + "=", code * 2):
        answer = requests.post(served.oidc + "/token", form | {"code": bent}, auth=client)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert requests.post(served.oidc + "/token", form | {"code": code}, auth=client).status_code == 200


ODD = {
    "AB-TK-17 password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "AB-TK-17 implicit": ({"grant_type": "implicit"}, "unsupported_grant_type"),
    "AB-TK-17 client": ({"grant_type": "client_credentials"}, "unauthorized_client"),
    "AB-TK-17 jwt": ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
    "AB-TK-17 device": ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
    "AB-TK-17 exchange": ({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}, "unsupported_grant_type"),
    "AB-TK-17 ciba": ({"grant_type": "urn:openid:params:grant-type:ciba"}, "unsupported_grant_type"),
    "AB-TK-17 case": ({"grant_type": "AUTHORIZATION_CODE"}, "unsupported_grant_type"),
    "AB-TK-17 array": ({"grant_type[]": "authorization_code"}, "invalid_request"),
    "AB-TK-17 empty": ({"grant_type": ""}, "invalid_request"),
    "AB-TK-16 grant": ([("grant_type", "authorization_code"), ("grant_type", "refresh_token")], "invalid_request"),
    "AB-TK-16 code": ([("grant_type", "authorization_code"), ("code", "a"), ("code", "b")], "invalid_request"),
    "NUL": ({"grant_type": "authorization_code", "code": "a\0b"}, "invalid_request"),
    "huge": ({"grant_type": "authorization_code", "code": "a" * 20_000}, "invalid_request"),
    "AB-HT-02 fields": ({f"f{number}": "x" for number in range(41)}, "invalid_request"),
}


@pytest.mark.parametrize("row", ODD)
def test_ab_tk_17_an_odd_form_is_refused_in_words(served: Served, people: Cast, row: str) -> None:
    fields, error = ODD[row]
    answer = requests.post(served.oidc + "/token", fields, auth=people.client())
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"].isascii()
    assert answer.headers["Cache-Control"] == "no-store"  # AB-TK-18
    assert answer.headers["Content-Type"] == "application/json"
    assert "Set-Cookie" not in answer.headers


BODIES = {
    "JSON": ("application/json", b'{"grant_type":"authorization_code"}'),
    "text": ("text/plain", b"grant_type=authorization_code"),
    "multipart": ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
    "none": ("", b"grant_type=authorization_code"),
    "two types": ("application/x-www-form-urlencoded, application/json", b"grant_type=authorization_code"),
    "gzip": ("application/gzip", b"\x1f\x8b\x08\x00"),
    "latin": ("application/x-www-form-urlencoded", b"grant_type=\xe9"),
    "bad escape": ("application/x-www-form-urlencoded", b"grant_type=%ff"),
    "separators": ("application/x-www-form-urlencoded", b"&" * 200_000),
}


@pytest.mark.parametrize("path", ["/token", "/token/introspect", "/revoke"])
@pytest.mark.parametrize("row", BODIES)
def test_ab_tk_14_only_a_form_in_the_body_is_read(served: Served, people: Cast, row: str, path: str) -> None:
    kind, body = BODIES[row]
    client = people.client()
    answer = requests.post(served.oidc + path, body, auth=client, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    query = requests.post(f"{served.oidc}{path}?client_secret={client[1]}", {"token": "x"}, auth=client)
    assert (query.status_code, query.json()["error"]) == (400, "invalid_request")
    got = requests.get(f"{served.oidc}{path}?token=x", auth=client)  # AB-TK-13
    assert (got.status_code, "POST" in got.headers["Allow"]) == (405, True)
    spelled = {"Content-Type": "Application/X-WWW-Form-URLEncoded; charset=UTF-8"}
    form = b"token=x&grant_type=refresh_token&refresh_token=x"
    good = requests.post(served.oidc + path, form, auth=client, headers=spelled)
    assert good.json().get("error", "invalid_grant") == "invalid_grant"
