"""Settings: every problem at once, the environment wins, what is written reads back."""

import math
import tomllib
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.settings import (
    Appearance,
    Issuer,
    Messages,
    Server,
    Settings,
    SettingsProblem,
    dump,
    kinds,
    load,
    read,
)
from pro_sante_connect.settings.reading import kinds as kinds_of


def test_defaults_are_valid_and_name_the_issuer() -> None:
    assert read({}, {}) == Settings()
    assert Settings().issuer.issuer == "http://localhost:8000/auth/realms/esante-wallet"
    assert Settings().issuer.protocol_path == "/auth/realms/esante-wallet/protocol/openid-connect"


def test_the_environment_wins_over_the_file() -> None:
    found = read({"server": {"port": 1, "threads": 2}}, {"PSC_SERVER_PORT": "9", "HOME": "/"})
    assert (found.server.port, found.server.threads) == (9, 2)


def test_every_problem_is_reported_at_once() -> None:
    table = {
        "issuer": {"auth_base": "http://example.org", "wallet_base": "https://a/b", "colour": "red", "reaml": "x"},
        "server": {"port": "many", "trusted_proxies": 3, "host": 4},
        "lifetimes": {"code": [1], "token": 0, "session": True},
        "policy": {"access_token_acr": "x", "code_level": "eidas9"},
        "messages": {"transport": "pigeon", "smtp_tls": "perhaps", "smtp_password": 12345},
        "database": {"url": "mysql://u:hidden@x"},
        "secrets": 3,
        "garden": {},
    }
    with pytest.raises(SettingsProblem) as caught:
        read(table, {"PSC_GARDEN": "1", "PSC_SERVER_WORKERS": "-1"})
    assert set(caught.value.problems) == {
        f"[issuer] auth_base = 'http://example.org': write {kinds.BASE.words}",
        f"[issuer] wallet_base = 'https://a/b': write {kinds.BASE.words}",
        "[issuer] colour is not a setting: remove it",
        "[issuer] reaml is not a setting: remove it, or write realm",
        "[server] port = 'many': write a whole number from 1 to 65535",
        f"[server] trusted_proxies = 3: write {kinds.ADDRESSES.words}",
        "[server] host = 4: write a host name or an IP address",
        "PSC_SERVER_WORKERS = '-1': write a whole number from 0 to 256",
        "[lifetimes] code = [1]: write a whole number from 1 to 60",
        "[lifetimes] token = 0: write a whole number from 1 to 315360000",
        "[lifetimes] session = True: write a whole number from 1 to 315360000",
        "[policy] access_token_acr = 'x': write requested or reached",
        "[policy] code_level = 'eidas9': write eidas1, eidas2 or eidas3",
        "[messages] transport = 'pigeon': write box or smtp",
        "[messages] smtp_tls = 'perhaps': write true or false",
        "[messages] smtp_password: write text on one line",
        "[database] url: write sqlite:///file or postgresql+psycopg://user@host/name",
        "[secrets] is no table: write [secrets] on a line of its own, its settings below it",
        "[garden] is not a group of settings: remove it",
        "PSC_GARDEN is not a setting: remove it",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer.auth_base", "http://example.org"),
        ("issuer.auth_base", "https://exa mple.org"),
        ("issuer.wallet_base", "https://a@b"),
        ("issuer.wallet_base", "https://[::1"),
        ("issuer.wallet_base", "https://a.example:port"),
        ("issuer.realm", "a/b c"),
        ("issuer.realm", ".."),
        ("issuer.subject_uuid", "a:b"),
        ("appearance.service_name", ""),
        ("appearance.service_name", "two\nlines"),
        ("appearance.help_url", "javascript:alert(1)"),
        ("appearance.help_url", "https://a.example/ javascript"),
        ("database.url", "postgresql+psycopg://u@host:port/name"),
        ("database.url", "sqlite:///"),
        ("secrets.file", ""),
        ("lifetimes.code", 61),
        ("lifetimes.code", 12.7),
        ("lifetimes.code", [1]),
        ("lifetimes.card", 10**20),
        ("policy.compatible_approval", {}),
        ("messages.sender", "a@b\nBcc: c@d.example"),
        ("messages.sms_gateway_domain", "a b"),
        ("messages.smtp_port", 70_000),
        ("imports.max_absent", math.nan),
        ("imports.max_changed", math.inf),
        ("imports.max_rejected", 10**400),
        ("imports.max_rejected", -1),
        ("imports.max_unknown_code", 0),
        ("imports.min_rows", "9" * 5000),
        ("outbound.exempt", "localhost"),
        ("outbound.exempt", ["http://localhost:80"]),
        ("outbound.exempt", ["localhost:70000"]),
        ("outbound.exempt", ["::1:80"]),
        ("outbound.exempt", 80),
        ("retention.sessions", 0),
        ("server.port", -5),
        ("server.workers", -1),
        ("server.threads", 0),
        ("server.trusted_proxies", ["not-an-ip"]),
        ("server.trusted_proxies", [["127.0.0.1"]]),
        ("server.trusted_proxies", "127.0.0.1, proxy.example"),
        ("server.max_body", 0),
    ],
)
def test_a_value_that_would_surprise_later_is_refused_by_its_name(name: str, value: object) -> None:
    group, _, key = name.partition(".")
    with pytest.raises(SettingsProblem) as caught:
        read({group: {key: value}}, {})
    [problem] = caught.value.problems
    assert problem.startswith(f"[{group}] {key}")
    assert ": write " in problem
    assert len(problem) < 300


SETTINGS = [(group.name, key) for group in fields(Settings) for key in kinds_of(type(getattr(Settings(), group.name)))]
WRITABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(SETTINGS), WRITABLE)
def test_whatever_a_file_holds_is_taken_whole_or_refused(setting: tuple[str, str], value: object) -> None:
    """And what is taken can be written down and read again."""
    group, key = setting
    with suppress(SettingsProblem):
        found = read({group: {key: value}}, {})
        assert read(tomllib.loads(dump(found)), {}) == found


@pytest.mark.parametrize("secret", ["messages.smtp_password", "database.url"])
def test_a_secret_is_never_repeated(secret: str) -> None:
    group, _, key = secret.partition(".")
    hidden = "hunter2\n"
    for table, environment in (({group: {key: hidden}}, {}), ({}, {f"PSC_{group}_{key}".upper(): hidden})):
        with pytest.raises(SettingsProblem) as caught:
            read(table, environment)
        assert "hunter2" not in str(caught.value)


def test_proxies_are_spelled_as_peers_are() -> None:
    assert read({"server": {"trusted_proxies": ["::0001"]}}, {}).server.trusted_proxies == ("::1",)


def test_what_is_dumped_reads_back() -> None:
    chosen = replace(
        Settings(),
        issuer=Issuer(auth_base="https://auth.example", wallet_base="https://wallet.example"),
        appearance=Appearance(service_name='L’accès "santé"\u00a0\\ ici'),
        server=Server(port=9, trusted_proxies=("10.0.0.1", "10.0.0.2")),
        messages=Messages(smtp_tls=False),
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


def test_exempt_places_are_written_as_they_are_compared() -> None:
    found = read({}, {"PSC_OUTBOUND_EXEMPT": "LocalHost:8001, [::1]:8001,"}).outbound.exempt
    assert found == ("localhost:8001", "::1:8001")
    assert read({"outbound": {"exempt": list(found[:1])}}, {}).outbound.exempt == found[:1]
