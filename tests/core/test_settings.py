"""Settings: every problem at once, the environment wins, what is written reads back."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pro_sante_connect import settings as module
from pro_sante_connect.settings import Issuer, Server, Settings, SettingsProblem, dump, load, read


def test_defaults_are_valid_and_name_the_issuer() -> None:
    assert read({}, {}) == Settings()
    assert Settings().issuer.issuer == "http://localhost:8000/auth/realms/esante-wallet"
    assert Settings().issuer.protocol_path == "/auth/realms/esante-wallet/protocol/openid-connect"


def test_the_environment_wins_over_the_file() -> None:
    found = read({"server": {"port": 1, "threads": 2}}, {"PSC_SERVER_PORT": "9", "HOME": "/"})
    assert (found.server.port, found.server.threads) == (9, 2)


def test_every_problem_is_reported_at_once() -> None:
    table = {
        "issuer": {"auth_base": "http://example.org", "wallet_base": "https://a/b", "colour": "red"},
        "server": {"port": "many", "trusted_proxies": 3, "host": 4},
        "lifetimes": {"code": 61, "token": 0, "session": True},
        "policy": {"access_token_acr": "x", "code_level": "eidas9"},
        "messages": {"transport": "pigeon", "smtp_tls": "perhaps"},
        "database": {"url": "mysql://x"},
        "secrets": 3,
        "garden": {},
    }
    with pytest.raises(SettingsProblem) as caught:
        read(table, {"PSC_GARDEN": "1"})
    text = "\n".join(caught.value.problems)
    for part in (
        "colour", "port = 'many'", "trusted_proxies", "host = 4", "session = True", "smtp_tls", "[secrets]",
        "[garden]", "PSC_GARDEN",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"issuer": {"auth_base": "http://example.org"}}, "auth_base"),
        ({"issuer": {"wallet_base": "https://a@b"}}, "wallet_base"),
        ({"issuer": {"wallet_base": "https://[::1"}}, "wallet_base"),
        ({"lifetimes": {"code": 61}}, "at most 60"),
        ({"lifetimes": {"token": 0}}, "token must be above 0"),
        ({"retention": {"sessions": 0}}, "sessions must be above 0"),
        ({"policy": {"access_token_acr": "x"}}, "access_token_acr"),
        ({"policy": {"code_level": "eidas9"}}, "code_level"),
        ({"messages": {"transport": "pigeon"}}, "transport"),
        ({"database": {"url": "mysql://x"}}, "sqlite"),
    ],
)
def test_a_rule_that_a_type_cannot_say(table: dict[str, object], part: str) -> None:
    with pytest.raises(SettingsProblem, match=part):
        read(table, {})


def test_what_is_dumped_reads_back() -> None:
    chosen = replace(
        Settings(),
        issuer=Issuer(auth_base="https://auth.example", wallet_base="https://wallet.example", realm='a"b\\c'),
        server=Server(port=9, trusted_proxies=("10.0.0.1", "10.0.0.2")),
        messages=module.Messages(smtp_tls=False),
    )
    assert read(tomllib.loads(dump(chosen)), {}) == chosen


def test_lists_and_booleans_come_from_text_too() -> None:
    found = read({}, {"PSC_SERVER_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2", "PSC_MESSAGES_SMTP_TLS": "no"})
    assert found.server.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert found.messages.smtp_tls is False


def test_files_are_found_and_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Settings()
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[server]\nport = 9\n")
    bad.write_text("[")
    assert load(good).server.port == 9
    monkeypatch.setenv("PSC_SETTINGS", str(good))
    assert load().server.port == 9
    with pytest.raises(SettingsProblem, match=r"bad\.toml"):
        load(bad)
    with pytest.raises(SettingsProblem, match="no such file"):
        load(tmp_path / "none.toml")
