"""Frozen values, one documented field per setting, read once from a TOML file and the environment.

`[issuer] auth_base` in the file is `PSC_ISSUER_AUTH_BASE` in the environment, which wins. All problems are
reported together. Pure: `read` takes the mappings; `load` is the only place that touches the machine.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit


class SettingsProblem(Exception):
    """Everything that is wrong with the settings, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    auth_base: str = "http://localhost:8000"
    """Public address of the machine endpoints; the issuer is `{auth_base}/auth/realms/{realm}`."""
    wallet_base: str = "http://localhost:8000"
    """Public address of the pages: authorization, phone, own space; also the origin of passkeys."""
    realm: str = "esante-wallet"
    """Realm name inside the issuer's path; the real service's clients expect the default."""
    subject_uuid: str = "550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd"
    """The middle of `sub` in profile `psc`: `f:<uuid>:<national id>`. One per deployment, for ever."""

    @property
    def issuer(self) -> str:
        return f"{self.auth_base}/auth/realms/{self.realm}"

    @property
    def protocol_path(self) -> str:
        return f"/auth/realms/{self.realm}/protocol/openid-connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    service_name: str = "Connexion Santé"
    """Name shown on every page."""
    help_url: str = ""
    """Address of the operator's help page; empty shows the built-in one."""
    authority_contact: str = ""
    """Whom a stopped practitioner may call, as shown on pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    url: str = "sqlite:///psc.sqlite3"
    """SQLAlchemy address: `sqlite:///file` or `postgresql+psycopg://user@host/name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    file: str = "psc.secrets"
    """File of root secrets, one base64url line of 32 bytes each, first active; `psc keys init` makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds."""

    code: int = 60
    """Authorization code."""
    token: int = 120
    """Access token and ID token."""
    refresh: int = 1800
    """Refresh token, sliding, never past its session."""
    session: int = 14400
    """Sign-in session, absolute."""
    idle: int = 1800
    """Sign-in session without activity."""
    approval: int = 120
    """Phone approval."""
    activation: int = 600
    """Activation codes."""
    contact_wait: int = 86_400
    """From a change of mail address or mobile, of which the former ones are told, until codes go to the new ones."""
    pairing: int = 90
    """QR code that opens the phone page on a phone already activated."""
    key_notice: int = 3600
    """How long a new signing key is published before it signs; clients may cache the JWKS a twelfth of it."""
    interaction: int = 1800
    """An authorization request waiting for its person."""
    card: int = 94_608_000
    """e-CPS, from its activation (three years)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    compatible_approval: bool = False
    """Phone approval as the real service does it: two digits, one of three shown. Caps the level at eidas1."""
    access_token_acr: str = "requested"
    """`acr` of `psc` access tokens: `requested` or `reached`."""
    device_bound_level: str = "eidas2"
    """Highest level of a passkey that says it cannot be copied. Nothing proves that yet: eidas3 takes its word."""
    synced_level: str = "eidas2"
    """Highest level of a passkey that its platform may copy."""
    code_level: str = "eidas2"
    """Highest level of e-CPS code and one-time code together."""
    approval_level: str = "eidas2"
    """Highest level of a phone approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    transport: str = "box"
    """`box` keeps mails and text messages in the database for the message box; `smtp` sends them."""
    smtp_host: str = "localhost"
    """Mail relay."""
    smtp_port: int = 587
    """Port of the relay."""
    smtp_user: str = ""
    """User at the relay; empty sends without signing in."""
    smtp_password: str = ""
    """Password at the relay."""
    smtp_tls: bool = True
    """STARTTLS before anything is said."""
    sender: str = "ne-pas-repondre@example.invalid"
    """Address in From."""
    sms_gateway_domain: str = ""
    """Mail-to-SMS gateway: a text message goes to `<number>@<domain>` through the same relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days."""

    sessions: int = 7
    """Sign-in sessions and what services were given in them, counted from their last possible moment."""
    rejects: int = 30
    """Rejected lines of a registry load (place, reason, national id), from its end."""
    messages: int = 1
    """Messages kept in the message box; they hold activation codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Guards of a registry load, in per mille of lines or of people."""

    max_rejected: float = 1.0
    """Rejected lines above which a load is held."""
    max_absent: float = 10.0
    """People who vanished, per identifier type, above which a load is held."""
    max_changed: float = 50.0
    """People who changed, per identifier type, above which a load is held."""
    min_rows: int = 0
    """Rows below which a file is refused; 1,000,000 is right for a national file."""
    max_unknown_code: int = 20
    """Lines with one same unknown code from which a load is held: likely a new official code."""
    spool: str = ""
    """Folder for temporary files of a load; empty uses the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str = "127.0.0.1"
    """Address that `psc serve` binds."""
    port: int = 8000
    """Port that `psc serve` binds."""
    workers: int = 0
    """Worker processes; 0 means one on SQLite (one writer at a time) and one per core on PostgreSQL."""
    threads: int = 0
    """Requests at work at once in a worker; 0 means two on SQLite and four on PostgreSQL, where more only contend."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For is believed; nothing else of a forwarded header ever is."""
    max_body: int = 262_144
    """Bytes of a request body above which it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    issuer: Issuer = field(default_factory=Issuer)
    appearance: Appearance = field(default_factory=Appearance)
    database: Database = field(default_factory=Database)
    secrets: Secrets = field(default_factory=Secrets)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    policy: Policy = field(default_factory=Policy)
    messages: Messages = field(default_factory=Messages)
    retention: Retention = field(default_factory=Retention)
    imports: Import = field(default_factory=Import)
    server: Server = field(default_factory=Server)


def read(table: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from a parsed TOML table and environment variables; raises `SettingsProblem` with every problem."""
    problems: list[str] = []
    hints = get_type_hints(Settings)
    groups: dict[str, Any] = {}
    known = {"PSC_SETTINGS"}
    for name, group in hints.items():
        chosen: dict[str, Any] = {}
        given = table.get(name, {})
        if not isinstance(given, Mapping):
            problems.append(f"[{name}] must be a table")
            given = {}
        types = get_type_hints(group)
        problems += [f"[{name}] {key} is not a setting" for key in given if key not in types]
        for entry in fields(group):
            variable = f"PSC_{name}_{entry.name}".upper()
            known.add(variable)
            value = environment.get(variable, given.get(entry.name))
            if value is None:
                continue
            try:
                chosen[entry.name] = _convert(value, types[entry.name])
            except (ValueError, KeyError):
                problems.append(f"[{name}] {entry.name} = {value!r} is not a {types[entry.name]}")
        groups[name] = group(**chosen)
    problems += [f"[{key}] is not a group of settings" for key in table if key not in hints]
    problems += [f"{key} is not a setting" for key in environment if key.startswith("PSC_") and key not in known]
    settings = Settings(**groups)
    problems += _judge(settings)
    if problems:
        raise SettingsProblem(problems)
    return settings


def _convert(value: Any, kind: Any) -> Any:
    """The value as the field's type, from TOML's types or from environment text; ValueError otherwise."""
    if kind is bool:
        return _WORDS[str(value).lower()]
    if kind in (int, float) and not isinstance(value, bool):
        return kind(value)
    if kind is str and isinstance(value, str):
        return value
    if kind == tuple[str, ...] and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if kind == tuple[str, ...] and isinstance(value, list | tuple):
        return tuple(str(part) for part in value)
    raise ValueError(value)


_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _judge(settings: Settings) -> list[str]:
    """Rules that a type cannot say."""
    issuer, policy = settings.issuer, settings.policy
    base = "must be https (or http on loopback), without path, query or trailing slash"
    levels = ("device_bound_level", "synced_level", "code_level", "approval_level")
    rules = [
        (f"[issuer] auth_base = {issuer.auth_base!r} {base}", _is_base(issuer.auth_base)),
        (f"[issuer] wallet_base = {issuer.wallet_base!r} {base}", _is_base(issuer.wallet_base)),
        ("[lifetimes] code must be at most 60 (OAuth 2.1, FAPI 2.0)", settings.lifetimes.code <= 60),
        ("[policy] access_token_acr must be requested or reached", policy.access_token_acr in ("requested", "reached")),
        ("[messages] transport must be box or smtp", settings.messages.transport in ("box", "smtp")),
        ("[database] url must start with " + " or ".join(STORES), settings.database.url.startswith(STORES)),
    ]
    rules += [
        (f"[{name}] {entry.name} must be above 0", getattr(getattr(settings, name), entry.name) > 0)
        for name in ("lifetimes", "retention")
        for entry in fields(getattr(settings, name))
    ]
    rules += [
        (f"[policy] {name} must be eidas1, eidas2 or eidas3", getattr(policy, name) in ("eidas1", "eidas2", "eidas3"))
        for name in levels
    ]
    return [sentence for sentence, good in rules if not good]


STORES = ("sqlite:///", "postgresql+psycopg://")


def _is_base(base: str) -> bool:
    try:
        parts = urlsplit(base)
        host = parts.hostname or ""
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return secure and bool(host) and base == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc


def load(path: Path | None = None) -> Settings:
    """Settings of this machine: the file named, else `PSC_SETTINGS`, else `psc.toml` here if there is one."""
    environment = dict(os.environ)
    chosen = path or Path(environment.get("PSC_SETTINGS", "psc.toml"))
    table: Mapping[str, Any] = {}
    if chosen.exists():
        try:
            table = tomllib.loads(chosen.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
            raise SettingsProblem([f"{chosen}: {problem}"]) from problem
    elif path is not None or "PSC_SETTINGS" in environment:
        raise SettingsProblem([f"{chosen}: no such file"])
    return read(table, environment)


def dump(settings: Settings) -> str:
    """The settings as TOML, defaults left out."""
    lines: list[str] = []
    for group in fields(settings):
        value = getattr(settings, group.name)
        if not is_dataclass(value):  # pragma: no cover - every field is a group
            continue
        changed = [entry.name for entry in fields(value) if getattr(value, entry.name) != entry.default]
        if changed:
            lines.append(f"[{group.name}]")
            lines += [f"{name} = {_toml(getattr(value, name))}" for name in changed]
            lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
