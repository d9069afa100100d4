"""`demo.json` keeps its word."""

from tests.demo.conftest import Demo

KEYS = {
    "issuer", "discovery_url", "wallet_url", "message_box_url", "demo_service_url", "clients", "practitioners", "staff",
}  # fmt: skip
CLIENT = {
    "client_id", "client_secret", "profile", "token_endpoint_auth_method", "redirect_uris", "post_logout_redirect_uris",
}  # fmt: skip
PRACTITIONER = {"situation", "national_id", "given_name", "family_name", "ecps_code", "totp_secret", "phone_url"}


def test_the_keys_are_those_that_are_documented(demo: Demo) -> None:
    assert set(demo.card) == KEYS
    assert all(set(client) == CLIENT for client in demo.card["clients"])
    assert all(set(person) == PRACTITIONER for person in demo.card["practitioners"])


def test_every_situation_is_there_and_twenty_more(demo: Demo) -> None:
    situations = [person["situation"] for person in demo.card["practitioners"]]
    named = [
        "one-activity", "five-activities", "two-exercices", "pharmacist", "no-exercice", "suspended", "not-enrolled",
    ]  # fmt: skip
    assert situations[:7] == named
    assert situations.count("any") >= 20
    enrolled = {person["situation"] for person in demo.card["practitioners"] if person["ecps_code"]}
    assert "not-enrolled" not in enrolled


def test_test_programs_have_clients_of_both_profiles(demo: Demo) -> None:
    back = ["http://localhost:8765/callback", "http://127.0.0.1:8765/callback"]
    programs = {client["profile"] for client in demo.card["clients"] if client["redirect_uris"] == back}
    assert programs == {"psc", "standard"}


def test_the_registry_holds_at_least_two_thousand(demo: Demo) -> None:
    found = demo.psc("doctor").stdout
    count = next(line for line in found.splitlines() if "practitioners" in line).split()
    assert int(count[2]) >= 2000


def test_the_documentation_names_every_key() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "demo.md").read_text("utf-8")
    assert all(f"`{key}`" in text for key in KEYS | CLIENT | PRACTITIONER)
