"""The whole way by plain HTTP, on the running demo."""

import base64
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.demo.conftest import Demo
from tests.demo.visitor import Visitor


def test_a_doctor_of_five_activities_signs_in_chooses_refreshes_and_signs_out(demo: Demo) -> None:
    person, visitor = demo.person("five-activities"), Visitor()
    visitor.open(demo.card["demo_service_url"] + "/login")
    demo.sign_in(visitor, person)
    choices = visitor.choice("activity")
    assert len(choices) == 5
    visitor.send("/activity", activity=choices[2])
    text = visitor.send("/consent")
    assert visitor.url == demo.card["demo_service_url"] + "/"
    assert f"Bonjour {person['given_name']} {person['family_name']}" in text
    assert '<dd id="profession">Médecin</dd>' in text
    assert "SubjectRefPro" in text
    assert "renouvelés 1 fois" in visitor.send("/refresh")
    visitor.open(demo.card["demo_service_url"] + "/agenda/login")  # no new sign-in
    assert "Bonjour" in visitor.send("/consent")
    assert "Vous êtes déconnecté" in visitor.send("/agenda/logout")
    visitor.open(demo.card["demo_service_url"] + "/agenda/login")
    assert visitor.url.endswith("/sign-in")


@pytest.mark.parametrize("situation", ["one-activity", "two-exercices", "pharmacist", "no-exercice"])
def test_everybody_lands_in_the_service(demo: Demo, situation: str) -> None:
    person, visitor = demo.person(situation), Visitor()
    visitor.open(demo.card["demo_service_url"] + "/agenda/login")
    demo.sign_in(visitor, person)
    assert f"Bonjour {person['given_name']}" in visitor.send("/consent")


def test_who_refuses_is_told_so_by_the_service(demo: Demo) -> None:
    visitor = Visitor()
    visitor.open(demo.card["demo_service_url"] + "/login")
    text = visitor.send("/cancel")
    assert visitor.url.startswith(demo.card["demo_service_url"])
    assert '<code id="error">access_denied</code>' in text


def test_a_suspended_person_is_stopped_after_the_proof(demo: Demo) -> None:
    visitor = Visitor()
    visitor.open(demo.card["demo_service_url"] + "/login")
    demo.sign_in(visitor, demo.person("suspended"))
    assert visitor.page.status_code == 403


def ask(demo: Demo, client: dict[str, Any], **more: str) -> str:
    """The authorization request of a test program."""
    fields = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": client["redirect_uris"][0],
              "scope": "openid scope_all", "state": "s", "nonce": "n", "acr_values": "eidas1", **more}  # fmt: skip
    return f"{demo.card['wallet_url']}/auth?" + urlencode(fields)


def redeem(demo: Demo, client: dict[str, Any], code: str) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client["redirect_uris"][0]}
    answer = requests.post(
        f"{demo.card['issuer']}/protocol/openid-connect/token",
        data=form,
        auth=(client["client_id"], client["client_secret"]),
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def code_of(visitor: Visitor, person: dict[str, Any], demo: Demo) -> str:
    """Sign in; the code comes back to an address where nobody listens, so the last redirect is not followed."""
    visitor.send("/sign-in", national_id=person["national_id"])
    fields = {"national_id": person["national_id"], "ecps_code": person["ecps_code"], "otp": demo.otp(person)}
    visitor.send("/sign-in/code", follow=False, **fields)
    return last(visitor)


def last(visitor: Visitor) -> str:
    while not visitor.page.headers["Location"].startswith("http://localhost:8765/callback"):
        base = "{0.scheme}://{0.netloc}".format(urlsplit(visitor.url))
        visitor.page = visitor.session.get(base + visitor.page.headers["Location"], allow_redirects=False, timeout=10)
    return parse_qs(urlsplit(visitor.page.headers["Location"]).query)["code"][0]


def test_from_the_commit_of_a_suspension_everything_stops(demo: Demo) -> None:
    person, visitor = demo.card["practitioners"][-1], Visitor()
    client = demo.client("essai-psc")
    visitor.open(ask(demo, client))
    tokens = redeem(demo, client, code_of(visitor, person, demo))
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = f"{demo.card['issuer']}/protocol/openid-connect/userinfo"
    assert requests.get(userinfo, headers=bearer, timeout=10).json()["SubjectNameID"] == person["national_id"]
    stopped = demo.psc("practitioner", "suspend", person["national_id"], "--reason", "test")
    assert stopped.returncode == 0, stopped.stderr
    assert requests.get(userinfo, headers=bearer, timeout=10).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    auth = (client["client_id"], client["client_secret"])
    token = f"{demo.card['issuer']}/protocol/openid-connect/token"
    assert requests.post(token, data=form, auth=auth, timeout=10).json()["error"] == "invalid_grant"


def messages(demo: Demo, to: str) -> list[dict[str, Any]]:
    """Waits for at least one message."""
    for _ in range(100):
        found: list[dict[str, Any]] = requests.get(
            demo.card["message_box_url"] + "/messages.json", params={"to": to}, timeout=10
        ).json()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing for {to}")


def test_the_message_box_shows_the_two_codes_of_an_activation(demo: Demo) -> None:
    person, phone = demo.person("not-enrolled"), Visitor()
    phone.open(demo.card["wallet_url"] + "/activate")
    phone.send("/activate", national_id=person["national_id"])
    box = Visitor()
    for _ in range(100):
        text = box.open(demo.card["message_box_url"])
        codes = re.findall(r"e-CPS\s*:\s+([0-9A-Z]{4,}(?:[ -][0-9A-Z]+)*)", text)
        if len(codes) >= 2:
            break
        time.sleep(0.1)
    assert len(codes) == 2
    sms, mail = codes if "SMS" in text.partition(codes[0])[0] else codes[::-1]
    assert "refusal" not in phone.send("/activate/codes", mail_code=mail, sms_code=sms)
    assert phone.url.endswith("/activate/code")


def test_the_played_phone_approves_while_the_desktop_waits(demo: Demo) -> None:
    person, visitor = demo.person("pharmacist"), Visitor()
    client = demo.client("essai-psc")
    visitor.open(ask(demo, client))
    visitor.send("/phone", national_id=person["national_id"])
    state = visitor.url + "/state"
    while (seen := visitor.session.get(state, params={"known": "pending"}, timeout=40).json())["state"] == "pending":
        assert seen["seconds_left"] > 0
    while seen["state"] == "matched":  # the number is right, the passkey follows
        seen = visitor.session.get(state, params={"known": "matched"}, timeout=40).json()
    assert seen["state"] == "approved"
    visitor.page = visitor.session.get(visitor.url + "/finish", allow_redirects=False, timeout=10)
    tokens = redeem(demo, client, last(visitor))
    payload = tokens["id_token"].split(".")[1]
    assert person["national_id"].encode() in base64.urlsafe_b64decode(payload + "==")


def test_any_browser_becomes_the_phone_of_a_person_by_one_link(demo: Demo) -> None:
    phone = Visitor()
    phone.open(demo.person("one-activity")["phone_url"])
    phone.send("/pair", name="Poche")
    assert phone.open(demo.card["wallet_url"] + "/phone/state") == '{"state":""}\n'
    assert phone.open(demo.card["message_box_url"] + "/phones").count("/phones/8") >= 26
    phone.open(demo.card["message_box_url"] + "/phones/899800000000")
    assert phone.page.status_code == 404


def test_messages_are_filtered_by_recipient(demo: Demo) -> None:
    assert messages(demo, "@")
    assert requests.get(demo.card["message_box_url"] + "/messages.json?to=nobody@", timeout=10).json() == []
