"""What an operator does, command by command."""

import base64
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.cli.init import commented
from pro_sante_connect.cli.keys import reseal_all
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.core.vault import Purpose, vault_of
from pro_sante_connect.ecps import pin, totp
from pro_sante_connect.ecps.models import Card, OneTimeSecret
from pro_sante_connect.oidc.models import SigningKey
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.settings import Settings, load
from tests.cli.conftest import call, told
from tests.ecps.people import CODE, candidate
from tests.stores import STORES, new_postgresql
from tests.world import World


def test_init_writes_settings_that_load_as_the_defaults(house: Path) -> None:
    assert load(house / "psc.toml") == Settings()
    assert (house / "psc.secrets").stat().st_mode & 0o777 == 0o600


def test_init_never_overwrites(house: Path) -> None:
    before = (house / "psc.secrets").read_bytes()
    result = call("init", "--yes")
    assert (result.exit_code, "already there" in result.stderr) == (1, True)
    (house / "psc.toml").unlink()
    assert call("init", "--yes").exit_code == 0
    assert (house / "psc.secrets").read_bytes() == before


def test_init_takes_answers_from_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = "https://auth.example.org\n\nConnexion\n\nmail.example.org\nnon@example.org\n"
    assert call("init", input=given).exit_code == 0
    settings = load(tmp_path / "psc.toml")
    assert settings.issuer.wallet_base == "https://auth.example.org"
    assert (settings.messages.transport, settings.messages.smtp_host) == ("smtp", "mail.example.org")


def test_init_without_a_relay_keeps_messages_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("init", "--answer", "issuer.auth_base=http://localhost:9", input="\n" * 5).exit_code == 0
    assert load(tmp_path / "psc.toml").messages.transport == "box"


@pytest.mark.parametrize("answer", ["issuer.auth_base", "nonsense=1", "issuer.auth_base=http://example.org"])
def test_init_refuses_wrong_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("init", "--yes", "--answer", answer).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_explained_in_the_file() -> None:
    written = commented(Settings())
    assert "[lifetimes]\n# Authorization code; OAuth 2.1 and FAPI 2.0 allow 60 at most.\n# code = 60\n" in written


def test_a_password_in_a_wrong_answer_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for answer in ("smtp_password=hunter2", "messages.smtp_pasword=hunter2"):
        refused = call("init", "--yes", "--answer", answer)
        assert (refused.exit_code, "password" in refused.stderr, "hunter2" in refused.stderr) == (2, True, False)


def test_a_service_is_registered_listed_disabled_and_opened_again(house: Path) -> None:
    made = told("client", "add", "Agenda", "--redirect", "http://localhost:3000/cb", "--id", "agenda")
    assert made["client_id"] == "agenda"
    assert len(made["client_secret"]) >= 43
    assert "agenda" in call("client", "list").output
    call("client", "disable", "agenda")
    assert told("client", "list")[0]["state"] == "disabled"
    call("client", "enable", "agenda")
    assert told("client", "list")[0]["state"] == "enabled"
    assert told("client", "show", "agenda")["secrets"] == 1
    assert len(call("client", "secret", "agenda").output.strip()) >= 43
    assert "secrets" in call("client", "show", "agenda").output
    assert [entry["event"] for entry in told("audit", "trail", "client:agenda")][-1] == "client:registered"


def test_a_service_is_edited_and_the_rest_of_it_stays(house: Path) -> None:
    call("client", "add", "Agenda", "--redirect", "http://localhost:3000/cb", "--id", "agenda", "--no-consent")
    before = told("client", "show", "agenda")
    out = "https://agenda.example/out"
    said = call("client", "edit", "agenda", "--backchannel-logout", out, "--backchannel-logout-session").output
    assert said == "agenda: backchannel_logout_uri, backchannel_logout_session_required.\n"
    changes = {"backchannel_logout_uri": out, "backchannel_logout_session_required": True, "version": 2}
    assert told("client", "show", "agenda") == before | changes
    assert told("audit", "trail", "client:agenda")[0]["facts"]["fields"] == [*changes][:2]
    assert call("client", "edit", "agenda", "--backchannel-logout", out).output == "agenda: as it was.\n"
    refused = call("client", "edit", "agenda", "--backchannel-logout", "http://agenda.example/out")
    assert (refused.exit_code, "http://agenda.example/out" in refused.stderr) == (1, True)
    alone = call("client", "edit", "agenda", "--backchannel-logout", "")
    assert (alone.exit_code, "backchannel-logout-uri-missing" in alone.stderr) == (1, True)
    call("client", "edit", "agenda", "--backchannel-logout", "", "--no-backchannel-logout-session", "--name", "Carnet")
    after = told("client", "show", "agenda")
    assert after == before | {"version": 3, "name_fr": "Carnet"}
    assert call("client", "edit", "agenda").exit_code == 2


def test_a_service_may_keep_a_stream_from_its_registration_or_from_later_on(house: Path) -> None:
    call("client", "add", "Agenda", "--redirect", "http://localhost:3000/cb", "--id", "agenda", "--shared-signals")
    call("client", "add", "Carnet", "--redirect", "http://localhost:3000/cb", "--id", "carnet")
    plain = told("client", "show", "carnet")
    assert call("client", "edit", "carnet", "--shared-signals").output == "carnet: grant_types, scopes.\n"
    assert call("client", "edit", "carnet", "--shared-signals").output == "carnet: as it was.\n"
    for name in ("agenda", "carnet"):
        after = told("client", "show", name)
        assert after["grants"] == [*plain["grants"], "client_credentials"]
        assert after["scopes"] == [*plain["scopes"], "ssf.read", "ssf.manage"]
    call("client", "edit", "agenda", "--directory")
    assert told("client", "show", "agenda")["scopes"][-2:] == ["ssf.manage", "fhir.read"]
    added = call("client", "add", "SPA", "--redirect", "https://spa.example/cb", "--auth", "none", "--shared-signals")
    assert added.exit_code == 1


def test_a_service_inside_is_registered_where_the_settings_exempt_it(house: Path) -> None:
    wanted = (
        "client",
        "add",
        "A",
        "--redirect",
        "http://localhost:3/cb",
        "--backchannel-logout",
        "http://localhost:3/o",
    )
    assert call(*wanted).exit_code == 1
    assert call(*wanted, env={"PSC_OUTBOUND_EXEMPT": "localhost:3"}).exit_code == 0


def test_the_secret_is_told_once(house: Path) -> None:
    said = call("client", "add", "Agenda", "--redirect", "http://localhost:3000/cb", "--id", "agenda").output
    assert "not shown again" in said
    assert "secret_digests" not in call("client", "show", "agenda").output


def test_a_refused_service_says_every_problem(house: Path) -> None:
    result = call("client", "add", "Agenda", "--redirect", "http://example.org/cb", "--redirect", "https://a/#b")
    assert result.exit_code == 1
    assert "http://example.org/cb" in result.stderr
    assert "https://a/#b" in result.stderr


def test_a_service_without_secret_gets_none(house: Path) -> None:
    added = call("client", "add", "SPA", "--redirect", "https://spa.example/cb", "--auth", "none", "--id", "spa")
    assert "not shown again" not in added.output
    assert call("client", "secret", "spa").exit_code == 1


def test_keys_of_a_service_must_be_json(house: Path) -> None:
    (house / "keys.json").write_text("{")
    arguments = ("client", "add", "A", "--redirect", "https://a.example/cb", "--auth", "private_key_jwt")
    assert call(*arguments, "--jwks", "keys.json").exit_code == 2


def test_an_unknown_service_is_named(house: Path) -> None:
    result = call("client", "show", "nobody")
    assert (result.exit_code, "nobody" in result.stderr) == (1, True)


def test_keys_are_made_rotated_and_listed(house: Path) -> None:
    assert call("keys", "list").output.startswith("No signing key yet")
    call("keys", "init")
    assert {key["state"] for key in told("keys", "list")} == {"signing"}
    call("keys", "rotate")
    assert sorted(key["state"] for key in told("keys", "list")) == ["published", "published", "signing", "signing"]


def test_secrets_are_sealed_again_under_a_new_root(house: Path) -> None:
    call("keys", "init")
    file = house / "psc.secrets"
    old = file.read_text()
    file.write_text(base64.urlsafe_b64encode(b"n" * 32).decode() + "\n" + old)
    assert call("keys", "reseal").output.startswith("2 secrets")
    resealed = {entry["facts"]["table"]: entry["facts"]["count"] for entry in told("audit", "trail", "store")}
    assert resealed == {"signing_keys": 2, "one_time_secrets": 0, "cards": 0, "outbox": 0, "streams": 0}
    file.write_text(file.read_text().splitlines()[0] + "\n")
    assert not next(one for one in told("doctor") if one["what"] == "signing keys")["cure"]


def test_every_sealed_column_is_sealed_again_for_its_purpose(world: World) -> None:
    person = candidate(world).enrol(passkey=False)
    codes = person.ask()
    with writing(world.engine) as db:
        keys.ensure(db, vault=world.dep.vault, chance=world.chance, now=world.now)
    assert reseal_all(replace(world.dep, vault=vault_of((b"n" * 32, b"k" * 32))), origin=SYSTEM) == 8
    new = vault_of((b"n" * 32,))
    with reading(world.engine) as db:
        assert totp.opened(new, db.scalars(select(OneTimeSecret)).one()) == person.secret
        assert pin.matches(new, db.scalars(select(Card.pin)).one(), CODE)
        notes = db.scalars(select(OutboxNote.sealed).where(OutboxNote.sealed.is_not(None)).order_by(OutboxNote.id))
        told_again = [new.open(sealed, purpose=Purpose.OUTBOX_NOTE) for sealed in notes if sealed]
        sealed_keys = db.scalars(select(SigningKey.sealed)).all()
    assert [json.loads(one)["code"] for one in told_again[-2:]] == [codes["mail"], codes["sms"]]
    assert all(new.open(one, purpose=Purpose.SIGNING_KEY).startswith(b"-----BEGIN") for one in sealed_keys)


def test_keys_init_makes_a_lost_secrets_file(house: Path) -> None:
    (house / "psc.secrets").unlink()
    assert "Back it up" in call("keys", "init").output


def test_keys_init_says_why_it_cannot_write(house: Path) -> None:
    result = call("keys", "init", env={"PSC_SECRETS_FILE": "/nowhere/psc.secrets"})
    assert (result.exit_code, "cannot be written" in result.stderr) == (1, True)


def test_the_journal_is_verified(house: Path) -> None:
    call("client", "add", "Agenda", "--redirect", "http://localhost:3000/cb")
    assert "0 entries sealed; unsealed since" in call("audit", "verify").output
    assert told("audit", "verify")["broken_at"] is None


def test_a_broken_journal_is_told(house: Path) -> None:
    with sqlite3.connect(house / "psc.sqlite3") as db:
        db.execute("INSERT INTO audit_seals (position, entry, digest) VALUES (1, 7, 'x')")
    db.close()
    result = call("audit", "verify")
    assert (result.exit_code, "broken at position 1" in result.stderr) == (1, True)


def test_a_trail_of_nobody(house: Path) -> None:
    assert call("audit", "trail", "899800000017").exit_code == 1
    assert call("audit", "trail", "client:none").output == "Nothing is recorded.\n"


def cures(*arguments: str, **options: str) -> dict[str, str]:
    """What the doctor finds wrong."""
    result = call("doctor", "--json", env=options)
    assert result.exit_code == 1
    return {one["what"]: one["cure"] for one in json.loads(result.stdout) if one["cure"]}


def test_the_doctor_of_a_new_house_asks_for_keys_and_people(house: Path) -> None:
    assert cures() == {
        "signing keys": "Run: psc keys init (the first start makes them too).",
        "registry": "Run: psc registry import FILE…",
    }
    said = call("doctor").output
    assert "→ Run: psc registry import" in said


def test_the_doctor_reports_every_wrong_setting(house: Path) -> None:
    assert call("doctor", env={"PSC_SERVER_PORT": "x", "PSC_FOO": "1"}).output.count("wrong") == 2


def test_the_doctor_sees_lost_and_open_secrets(house: Path) -> None:
    (house / "psc.secrets").chmod(0o644)
    assert cures()["secrets"] == "Run: chmod 600 psc.secrets"
    (house / "psc.secrets").unlink()
    assert cures()["secrets"].startswith("Run: psc keys init")


def test_the_doctor_sees_keys_of_another_root(house: Path) -> None:
    call("keys", "init")
    (house / "psc.secrets").write_text(base64.urlsafe_b64encode(b"n" * 32).decode())
    assert "former line" in cures()["signing keys"]


def test_the_doctor_sees_an_old_schema_and_a_lost_store(house: Path) -> None:
    assert cures(PSC_DATABASE_URL="sqlite:///empty.sqlite3")["store"] == "Run: psc database upgrade"
    assert "Check [database] url" in cures(PSC_DATABASE_URL="postgresql+psycopg://u@127.0.0.1:1/x")["store"]


def test_the_doctor_sees_messages_that_nobody_receives(house: Path) -> None:
    public = {"PSC_ISSUER_AUTH_BASE": "https://a.example", "PSC_ISSUER_WALLET_BASE": "https://w.example"}
    assert "transport" in cures(**public)["messages"]
    relay = {"PSC_MESSAGES_TRANSPORT": "smtp", "PSC_MESSAGES_SMTP_HOST": "127.0.0.1", "PSC_MESSAGES_SMTP_PORT": "1"}
    assert "smtp_host" in cures(**relay)["messages"]


@pytest.mark.parametrize("kind", STORES)
def test_a_store_without_schema_is_said_in_one_sentence(house: Path, kind: str) -> None:
    url = "sqlite:///empty.sqlite3" if kind == "sqlite" else new_postgresql("empty")
    result = call("client", "list", env={"PSC_DATABASE_URL": url})
    assert (result.exit_code, result.stderr) == (1, "The store has no schema yet. Run: psc database upgrade\n")


def test_a_store_that_does_not_answer_is_said_in_one_sentence(house: Path) -> None:
    result = call("client", "list", env={"PSC_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x"})
    assert (result.exit_code, result.stderr.startswith("The store does not answer: ")) == (1, True)


def test_missing_secrets_are_said_in_one_sentence(house: Path) -> None:
    (house / "psc.secrets").unlink()
    result = call("client", "list")
    assert (result.exit_code, "Run: psc keys init" in result.stderr) == (1, True)


def test_a_defect_keeps_its_traceback(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pro_sante_connect.settings.load", lambda _path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call("client", "list")


def test_a_restored_backup_voids_what_was_issued(house: Path) -> None:
    assert call("database", "upgrade").output == "The store is up to date.\n"
    with sqlite3.connect("psc.sqlite3") as db:
        db.execute("INSERT INTO ceremonies VALUES ('c', 'sign-in', 'b', NULL, 1, 9000000000000000)")
    db.close()
    assert call("database", "restored").output.startswith("Epoch 2: everyone signs in again.")
    with sqlite3.connect("psc.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM ceremonies").fetchone() == (0,)
    db.close()


def findings(**environment: str) -> dict[str, str]:
    """What the doctor finds, by subject."""
    return {one["what"]: one["found"] for one in json.loads(call("doctor", "--json", env=environment).stdout)}


def test_the_doctor_tries_the_relay(house: Path, relay: Any) -> None:
    host, port = relay.server_address
    given = {"PSC_MESSAGES_TRANSPORT": "smtp", "PSC_MESSAGES_SMTP_HOST": host, "PSC_MESSAGES_SMTP_PORT": str(port)}
    plain = given | {"PSC_MESSAGES_SMTP_TLS": "no"}
    assert findings(**plain)["messages"] == "no gateway for text messages"
    gateway = plain | {"PSC_MESSAGES_SMS_GATEWAY_DOMAIN": "sms.example"}
    assert findings(**gateway)["messages"] == f"{host}:{port} answers"
    assert "relay does not answer" in findings(**given)["messages"]
    assert "relay does not answer" in findings(**plain, PSC_MESSAGES_SMTP_USER="psc")["messages"]


def test_the_doctor_sees_an_old_key_and_late_notes(house: Path) -> None:
    call("keys", "init")
    with sqlite3.connect(house / "psc.sqlite3") as db:
        db.execute("UPDATE signing_keys SET active_from = 0")
        db.execute(
            "INSERT INTO outbox (topic, subject, facts, written_at, due_at, attempts) VALUES ('t','s','{}',0,0,0)"
        )
    db.close()
    found = cures()
    assert found["signing keys"] == "Run: psc keys rotate"
    assert found["outbox"] == "Run the signals worker: psc worker"


def test_the_doctor_compares_clocks_with_postgresql(house: Path) -> None:
    url = {"PSC_DATABASE_URL": new_postgresql("doctor")}
    assert call("database", "upgrade", env=url).exit_code == 0
    assert findings(**url)["clock"] == "agrees with the database's"
