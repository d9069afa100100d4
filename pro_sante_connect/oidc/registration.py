"""What may be registered. One path for the command line, pages and, later, RFC 7591; judged at every edit."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import update
from sqlalchemy.orm import Session

from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import Origin, record
from pro_sante_connect.core.authentication import Level
from pro_sante_connect.core.chance import Chance
from pro_sante_connect.core.destinations import Refused, judge
from pro_sante_connect.core.digest import digest
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.oidc.models import Authorization, Client
from pro_sante_connect.oidc.profile import PROFILES
from pro_sante_connect.oidc.vocabulary import API_SCOPES, SECRET_METHODS, AuthMethod, GrantType

MAX_URIS = 30
CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")  # no colon: a client can never pass for a person's `sub`
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a developer asks for; field names are those of RFC 7591 where it has them."""

    client_id: str = ""
    name_fr: str
    name_en: str = ""
    profile: str = "standard"
    token_endpoint_auth_method: str = "client_secret_basic"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    web_origins: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
    scopes: tuple[str, ...] = ("openid", "profile", "identity", "scope_all")
    algorithm: str = "RS256"
    default_acr: str = "eidas1"
    minimum_acr: str = "eidas1"
    chooses_activity: bool = False
    asks_consent: bool = True
    introspects_any: bool = False
    contact: str = ""
    jwks: dict[str, Any] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Registered:
    """The client and its secret, told once; an empty secret for clients that have none."""

    client: Client
    secret: str


def problems(wish: Wish, *, exempt: Collection[str] = ()) -> list[str]:
    """Everything that is wrong with a wish: stable codes with the value. `exempt`: `[outbound] exempt`. Pure."""
    profile = PROFILES.get(wish.profile)
    if profile is None:
        return [f"profile-unknown:{wish.profile}"]
    found = [f"redirect-uri-refused:{uri}" for uri in wish.redirect_uris if not is_return_address(uri)]
    found += [f"logout-uri-refused:{uri}" for uri in wish.post_logout_redirect_uris if not is_return_address(uri)]
    told = wish.backchannel_logout_uri
    # OIDC Back-Channel Logout 1.0 §2.2. A name is resolved at each call only: it may point elsewhere by then.
    if told and isinstance(judge(told, exempt), Refused):
        found.append(f"backchannel-logout-uri-refused:{told}")
    found += [f"origin-refused:{origin}" for origin in wish.web_origins if not _is_origin(origin)]
    checks = (
        ("client-id-refused", bool(wish.client_id) and not CLIENT_ID.match(wish.client_id)),
        ("name-missing", not wish.name_fr.strip() or len(wish.name_fr) > 100),
        ("redirect-uri-missing", GrantType.AUTHORIZATION_CODE in wish.grant_types and not wish.redirect_uris),
        ("grant-type-missing", not wish.grant_types),
        ("backchannel-logout-uri-missing", wish.backchannel_logout_session_required and not told),
        ("too-many-uris", len(wish.redirect_uris) + len(wish.post_logout_redirect_uris) > MAX_URIS),
        ("auth-method-unknown", wish.token_endpoint_auth_method not in tuple(AuthMethod)),
        ("public-client-refused", wish.token_endpoint_auth_method == AuthMethod.NONE and not profile.public_clients),
        ("grant-type-unknown", not set(wish.grant_types) <= set(GrantType)),
        ("scope-unknown", not set(wish.scopes) <= {*profile.scopes, *API_SCOPES}),
        ("api-scope-refused", not _apis_fit(wish)),
        ("algorithm-unknown", wish.algorithm not in profile.algorithms),
        ("acr-unknown", wish.default_acr not in tuple(Level) or wish.minimum_acr not in tuple(Level)),
        ("jwks-missing", wish.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT and not _has_keys(wish.jwks)),
    )
    return found + [code for code, wrong in checks if wrong]


def _apis_fit(wish: Wish) -> bool:
    """Scopes of APIs, the grant that uses them and a proof of identity go together."""
    uses, proves = GrantType.CLIENT_CREDENTIALS in wish.grant_types, wish.token_endpoint_auth_method != AuthMethod.NONE
    return uses == bool(set(wish.scopes) & set(API_SCOPES)) and (proves or not uses)


def is_return_address(uri: str) -> bool:
    """https, http on loopback, or a private scheme with a dot; nothing that hides another host (RFC 8252 §7)."""
    if not uri.isascii() or not uri.isprintable() or any(mark in uri for mark in " \\*#") or len(uri) > 500:
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or "/../" in parts.path or parts.path.endswith("/.."):
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in LOOPBACK
    return "." in parts.scheme and not parts.netloc and bool(parts.path)


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return is_return_address(text) and text == f"{parts.scheme}://{parts.netloc}"


def _has_keys(jwks: dict[str, Any] | None) -> bool:
    try:
        keys = KeySet.import_key_set(jwks or {"keys": []}).keys  # type: ignore[arg-type]
        return bool(keys) and all(not key.is_private and key.key_type in ("RSA", "EC") for key in keys)
    except (JoseError, ValueError, KeyError, TypeError):
        return False


def register(
    db: Session, wish: Wish, *, exempt: Collection[str] = (), origin: Origin, chance: Chance, now: datetime
) -> Registered:
    """Write the client; refuses `client-refused` with every problem."""
    _accept(wish, exempt)
    secret = chance.token(32) if wish.token_endpoint_auth_method in SECRET_METHODS else ""
    client = Client(
        id=wish.client_id or chance.token(9),
        version=1,
        secret_digests=[digest(secret)] if secret else [],
        created_at=now,
        **_columns(wish),
    )
    if db.get(Client, client.id) is not None:
        raise Refusal("client-refused", problems=[f"client-id-taken:{client.id}"])
    db.add(client)
    record(db, Event.CLIENT_REGISTERED, f"client:{client.id}", now=now, origin=origin, profile=wish.profile)
    return Registered(client, secret)


def edit(
    db: Session,
    client: Client,
    changes: dict[str, Any],
    *,
    exempt: Collection[str] = (),
    origin: Origin,
    now: datetime,
) -> list[str]:
    """Change what `Wish` names; the result is judged whole. Returns what became another; refuses `client-refused`."""
    before = _wish(client)
    wish = replace(before, **changes)
    changed = [one.name for one in fields(Wish) if getattr(wish, one.name) != getattr(before, one.name)]
    if changed:
        _accept(wish, exempt)
        for name, value in _columns(wish).items():
            setattr(client, name, value)
        client.version += 1
        record(db, Event.CLIENT_CHANGED, f"client:{client.id}", now=now, origin=origin, change="edited", fields=changed)
    return changed


def _accept(wish: Wish, exempt: Collection[str]) -> None:
    found = problems(wish, exempt=exempt)
    if found:
        raise Refusal("client-refused", problems=found)


# What a wish calls otherwise than the table.
_RENAMED = {"token_endpoint_auth_method": "auth_method", "grant_types": "grants"}


def _columns(wish: Wish) -> dict[str, Any]:
    values = {one.name: getattr(wish, one.name) for one in fields(Wish) if one.name != "client_id"}
    values["name_en"] = wish.name_en or wish.name_fr
    return {
        _RENAMED.get(name, name): [str(one) for one in value] if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _wish(client: Client) -> Wish:
    values: dict[str, Any] = {one.name: getattr(client, _RENAMED.get(one.name, one.name), None) for one in fields(Wish)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Wish(**(values | {"client_id": client.id}))


def with_apis(wish: Wish, scopes: Sequence[str]) -> Wish:
    """The same, and these scopes of our own APIs in its own name."""
    if not scopes:
        return wish
    grants = dict.fromkeys([*wish.grant_types, str(GrantType.CLIENT_CREDENTIALS)])
    return replace(wish, grant_types=tuple(grants), scopes=tuple(dict.fromkeys([*wish.scopes, *scopes])))


def apis_of(client: Client, scopes: Sequence[str]) -> dict[str, Any]:
    """What `edit` changes for that."""
    if not scopes:
        return {}
    wish = with_apis(_wish(client), scopes)
    return {"grant_types": wish.grant_types, "scopes": wish.scopes}


def new_secret(db: Session, client: Client, *, origin: Origin, chance: Chance, now: datetime) -> str:
    """A second secret beside the newest one; the one before that ends."""
    secret = chance.token(32)
    client.secret_digests = [digest(secret), *client.secret_digests[:1]]
    client.version += 1
    record(db, Event.CLIENT_CHANGED, f"client:{client.id}", now=now, origin=origin, change="secret")
    return secret


def disable(db: Session, client: Client, *, origin: Origin, now: datetime) -> None:
    """From the commit on nothing of this client is alive, nor ever again after `enable`."""
    living = update(Authorization).where(Authorization.client_id == client.id, Authorization.revoked_at.is_(None))
    db.execute(living.values(revoked_at=now).execution_options(synchronize_session=False))
    client.disabled_at = now
    client.version += 1
    record(db, Event.CLIENT_CHANGED, f"client:{client.id}", now=now, origin=origin, change="disabled")


def enable(db: Session, client: Client, *, origin: Origin, now: datetime) -> None:
    """Open it again for new requests."""
    client.disabled_at = None
    client.version += 1
    record(db, Event.CLIENT_CHANGED, f"client:{client.id}", now=now, origin=origin, change="enabled")
