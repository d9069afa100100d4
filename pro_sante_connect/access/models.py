"""The room's tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from pro_sante_connect.core.models import Base, BigId

PENDING, APPROVED, REFUSED, LAPSED = "pending", "approved", "refused", "lapsed"


class Account(Base):
    """Somebody who administers. `handle` is what passkeys know her by, `national_id` her own, if she has one."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    national_id: Mapped[str]
    handle: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[str]
    invited_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class Invitation(Base):
    """A link of one use, by which an account gets its first passkey, or another one."""

    __tablename__ = "invitations"
    digest: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AccountPasskey(Base):
    """How an account signs in; the only way."""

    __tablename__ = "account_passkeys"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigId)
    name: Mapped[str]
    added_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class AccountSession(Base):
    """A sign-in of an account; the browser holds a secret of which this is the digest."""

    __tablename__ = "account_sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    cookie_digest: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    epoch: Mapped[int]
    began_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class Grant(Base):
    """One role of an account, within a scope; empty lists do not narrow it."""

    __tablename__ = "account_grants"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    role: Mapped[str]
    authorities: Mapped[list[str]]
    departments: Mapped[list[str]]
    structures: Mapped[list[str]]
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Proposal(Base):
    """A decision that takes two. `interim` is the suspension that stands meanwhile, if any.

    `part` is what of the person it weighs on: `activite:12`, `exercice:10/C`, empty for all of her.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        Index(
            "ix_proposals_waiting", "practitioner_id", "kind", "part", unique=True,
            sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    part: Mapped[str]
    terms: Mapped[dict[str, Any]]
    interim: Mapped[int | None] = mapped_column(BigId)
    author_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str]
    closer_id: Mapped[int | None] = mapped_column(BigId)
    closed_at: Mapped[datetime | None]
    word: Mapped[str]
