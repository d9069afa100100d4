"""Every setting: its kind, its default, its meaning. Pure."""

from dataclasses import dataclass, field
from typing import Annotated

from pro_sante_connect.settings.kinds import (
    ADDRESSES,
    ANY_TEXT,
    BASE,
    DAYS,
    HOST,
    LEVEL,
    MAIL,
    PAGE,
    PASSWORD,
    PATH_SEGMENT,
    PER_MILLE,
    PLACES,
    PORT,
    SECONDS,
    STORE,
    TEXT,
    TRUTH,
    UUID,
    choice,
    optional,
    whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    auth_base: Annotated[str, BASE] = "http://localhost:8000"
    """Public address of the machine endpoints; the issuer is `{auth_base}/auth/realms/{realm}`."""
    wallet_base: Annotated[str, BASE] = "http://localhost:8000"
    """Public address of the pages: authorization, phone, own space; also the origin of passkeys."""
    realm: Annotated[str, PATH_SEGMENT] = "esante-wallet"
    """Realm name inside the issuer's path; the real service's clients expect the default."""
    subject_uuid: Annotated[str, UUID] = "550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd"
    """The middle of `sub` in profile `psc`: `f:<uuid>:<national id>`. One per deployment, for ever."""

    @property
    def issuer(self) -> str:
        return f"{self.auth_base}/auth/realms/{self.realm}"

    @property
    def protocol_path(self) -> str:
        return f"/auth/realms/{self.realm}/protocol/openid-connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    service_name: Annotated[str, TEXT] = "Connexion Santé"
    """Name shown on every page."""
    help_url: Annotated[str, optional(PAGE)] = ""
    """Address of the operator's help page; empty shows the built-in one."""
    authority_contact: Annotated[str, ANY_TEXT] = ""
    """Whom a stopped practitioner may call, as shown on pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    url: Annotated[str, STORE] = "sqlite:///psc.sqlite3"
    """SQLAlchemy address: `sqlite:///file` or `postgresql+psycopg://user@host/name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    file: Annotated[str, TEXT] = "psc.secrets"
    """File of root secrets, one base64url line of 32 bytes each, first active; `psc keys init` makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds."""

    code: Annotated[int, whole(1, 60)] = 60
    """Authorization code; OAuth 2.1 and FAPI 2.0 allow 60 at most."""
    token: Annotated[int, SECONDS] = 120
    """Access token and ID token."""
    refresh: Annotated[int, SECONDS] = 1800
    """Refresh token, sliding, never past its session."""
    session: Annotated[int, SECONDS] = 14400
    """Sign-in session, absolute."""
    idle: Annotated[int, SECONDS] = 1800
    """Sign-in session without activity."""
    approval: Annotated[int, SECONDS] = 120
    """Phone approval."""
    activation: Annotated[int, SECONDS] = 600
    """Activation codes."""
    contact_wait: Annotated[int, SECONDS] = 86_400
    """From a change of mail address or mobile, of which the former ones are told, until codes go to the new ones."""
    pairing: Annotated[int, SECONDS] = 90
    """QR code that opens the phone page on a phone already activated."""
    key_notice: Annotated[int, SECONDS] = 3600
    """How long a new signing key is published before it signs; clients may cache the JWKS a twelfth of it."""
    interaction: Annotated[int, SECONDS] = 1800
    """An authorization request waiting for its person."""
    card: Annotated[int, SECONDS] = 94_608_000
    """e-CPS, from its activation (three years)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    compatible_approval: Annotated[bool, TRUTH] = False
    """Phone approval as the real service does it: two digits, one of three shown. Caps the level at eidas1."""
    access_token_acr: Annotated[str, choice("requested", "reached")] = "requested"
    """`acr` of `psc` access tokens: `requested` or `reached`."""
    device_bound_level: Annotated[str, LEVEL] = "eidas2"
    """Highest level of a passkey that says it cannot be copied. Nothing proves that yet: eidas3 takes its word."""
    synced_level: Annotated[str, LEVEL] = "eidas2"
    """Highest level of a passkey that its platform may copy."""
    code_level: Annotated[str, LEVEL] = "eidas2"
    """Highest level of e-CPS code and one-time code together."""
    approval_level: Annotated[str, LEVEL] = "eidas2"
    """Highest level of a phone approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    transport: Annotated[str, choice("box", "smtp")] = "box"
    """`box` keeps mails and text messages in the database for the message box; `smtp` sends them."""
    smtp_host: Annotated[str, HOST] = "localhost"
    """Mail relay."""
    smtp_port: Annotated[int, PORT] = 587
    """Port of the relay."""
    smtp_user: Annotated[str, ANY_TEXT] = ""
    """User at the relay; empty sends without signing in."""
    smtp_password: Annotated[str, PASSWORD] = ""
    """Password at the relay."""
    smtp_tls: Annotated[bool, TRUTH] = True
    """STARTTLS before anything is said."""
    sender: Annotated[str, MAIL] = "ne-pas-repondre@example.invalid"
    """Address in From."""
    sms_gateway_domain: Annotated[str, optional(HOST)] = ""
    """Mail-to-SMS gateway: a text message goes to `<number>@<domain>` through the same relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    exempt: Annotated[tuple[str, ...], PLACES] = ()
    """Hosts with their port that may be called inside our network, by http too. All others: https, in public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days."""

    sessions: Annotated[int, DAYS] = 7
    """Sign-in sessions and what services were given in them, counted from their last possible moment."""
    rejects: Annotated[int, DAYS] = 30
    """Rejected lines of a registry load (place, reason, value at fault, national id), and people as they were before
    the last one, from its end."""
    messages: Annotated[int, DAYS] = 1
    """Messages kept in the message box; they hold activation codes."""
    deliveries: Annotated[int, DAYS] = 30
    """What services were told and how they answered, from the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Guards of a registry load, in per mille of lines or of people."""

    max_rejected: Annotated[float, PER_MILLE] = 1.0
    """Rejected lines above which a load is held."""
    max_absent: Annotated[float, PER_MILLE] = 10.0
    """People who vanished, per identifier type, above which a load is held."""
    max_changed: Annotated[float, PER_MILLE] = 50.0
    """People who changed, per identifier type, above which a load is held."""
    min_rows: Annotated[int, whole(0, 1_000_000_000)] = 0
    """Rows below which a file is refused; 1,000,000 is right for a national file."""
    max_unknown_code: Annotated[int, whole(1, 1_000_000_000)] = 20
    """Lines with one same unknown code from which a load is held: likely a new official code."""
    spool: Annotated[str, ANY_TEXT] = ""
    """Folder for temporary files of a load; empty uses the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: Annotated[str, HOST] = "127.0.0.1"
    """Address that `psc serve` binds."""
    port: Annotated[int, PORT] = 8000
    """Port that `psc serve` binds."""
    workers: Annotated[int, whole(0, 256)] = 0
    """Worker processes; 0 means one on SQLite (one writer at a time) and one per core on PostgreSQL."""
    threads: Annotated[int, whole(1, 256)] = 8
    """Pages at work at once in a worker; desktops that wait for a phone hold half of them at most."""
    trusted_proxies: Annotated[tuple[str, ...], ADDRESSES] = ()
    """Addresses whose X-Forwarded-For is believed; nothing else of a forwarded header ever is."""
    max_body: Annotated[int, whole(1_024, 16_777_216)] = 262_144
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
    outbound: Outbound = field(default_factory=Outbound)
    retention: Retention = field(default_factory=Retention)
    imports: Import = field(default_factory=Import)
    server: Server = field(default_factory=Server)
