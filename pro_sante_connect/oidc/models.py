"""The protocol's tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId


class Client(Base):
    """A relying party. Secrets are digests; at most two live at a time, for rotation."""

    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name_fr: Mapped[str]
    name_en: Mapped[str]
    profile: Mapped[str]
    auth_method: Mapped[str]
    secret_digests: Mapped[list[str]]
    jwks: Mapped[dict[str, Any] | None]
    redirect_uris: Mapped[list[str]]
    post_logout_redirect_uris: Mapped[list[str]]
    backchannel_logout_uri: Mapped[str]
    backchannel_logout_session_required: Mapped[bool]
    web_origins: Mapped[list[str]]
    grants: Mapped[list[str]]
    scopes: Mapped[list[str]]
    algorithm: Mapped[str]
    default_acr: Mapped[str]
    minimum_acr: Mapped[str]
    chooses_activity: Mapped[bool]
    asks_consent: Mapped[bool]
    introspects_any: Mapped[bool]
    contact: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SigningKey(Base):
    """A key pair. Published from `created_at`, signs from `active_from`, dropped from the JWKS at `unpublished_at`."""

    __tablename__ = "signing_keys"
    kid: Mapped[str] = mapped_column(primary_key=True)
    algorithm: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    public: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    active_from: Mapped[datetime]
    unpublished_at: Mapped[datetime | None]


class Session(Base):
    """A sign-in that services share (SSO). Its id is `sid`; the browser holds a secret of which this is the digest."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    cookie_digest: Mapped[str] = mapped_column(unique=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    epoch: Mapped[int]
    mode: Mapped[str]
    methods: Mapped[str]
    level: Mapped[str]
    means: Mapped[str] = mapped_column(index=True)
    device: Mapped[str]
    began_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class Interaction(Base):
    """An authorization request (or a visit to the own space) waiting for its person; bound to one browser.

    `authenticated_at`, `activite_id` and `consented_at` are what `practitioner_id` settled; nobody else.
    """

    __tablename__ = "interactions"
    id: Mapped[str] = mapped_column(primary_key=True)
    browser_digest: Mapped[str]
    client_id: Mapped[str | None] = mapped_column(ForeignKey("clients.id"))
    request: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    practitioner_id: Mapped[int | None] = mapped_column(BigId)
    authenticated_at: Mapped[datetime | None]
    approval: Mapped[str | None]
    activite_id: Mapped[int | None] = mapped_column(BigId)
    consented_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Consent(Base):
    """What a person agreed to let a service learn."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("practitioner_id", "client_id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    scope: Mapped[str]
    given_at: Mapped[datetime]


class Authorization(Base):
    """The result of any grant: who lets which client what, by which proof, for which activity.

    The authorization code and the live refresh token are columns, so that spending a code or rotating a refresh
    token is one UPDATE and a family of tokens is one row.
    """

    __tablename__ = "authorizations"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    scope: Mapped[str]
    nonce: Mapped[str]
    acr: Mapped[str]
    mode: Mapped[str]
    methods: Mapped[str]
    level: Mapped[str]
    authenticated_at: Mapped[datetime]
    activite_id: Mapped[int | None] = mapped_column(BigId)
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    code_digest: Mapped[str | None] = mapped_column(unique=True)
    code_expires_at: Mapped[datetime | None]
    code_spent_at: Mapped[datetime | None]
    refresh_digest: Mapped[str | None]
    refresh_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RevokedToken(Base):
    """An access token revoked on its own before it expired."""

    __tablename__ = "revoked_tokens"
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
