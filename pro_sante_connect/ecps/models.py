"""The card's tables. Bearer secrets rest as digests; the e-CPS code and TOTP secrets rest sealed by the vault."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pro_sante_connect.core.models import Base, BigId
from pro_sante_connect.core.words import LANGUAGES
from pro_sante_connect.rpps.models import Practitioner

ENROLLING, ACTIVE, REPLACED, WITHDRAWN, ABANDONED = (
    "enrolling",
    "active",
    "replaced",
    "withdrawn",
    "abandoned",
)
PENDING, MATCHED, APPROVED, COLLECTED = "pending", "matched", "approved", "collected"
REFUSED, EXPIRED, KILLED = "refused", "expired", "killed"  # a request may also be REPLACED
ASKED, VERIFIED, DONE, CLOSED = "asked", "verified", "done", "closed"


class Card(Base):
    """One e-CPS: enrolling → active → replaced / withdrawn; an enrolment that is dropped is abandoned.

    `language` is that of its activation's pages: notices keep it. `holder` is the WebAuthn user handle: random, the
    same for every card of a person, never a national id.
    """

    __tablename__ = "cards"
    __table_args__ = (
        Index(
            "uq_cards_active", "practitioner_id", unique=True,
            sqlite_where=text("state = 'active'"), postgresql_where=text("state = 'active'"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    holder: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    language: Mapped[str] = mapped_column(default=LANGUAGES[0])
    pin: Mapped[bytes | None] = mapped_column(LargeBinary)
    pin_used_at: Mapped[datetime | None]
    pin_uses: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Phone(Base):
    """A browser that answers sign-in requests; it holds the token whose digest rests here."""

    __tablename__ = "phones"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    token_digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    added_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    uses: Mapped[int] = mapped_column(default=0)
    withdrawn_at: Mapped[datetime | None]
    practitioner: Mapped[Practitioner] = relationship(lazy="joined", innerjoin=True)


class Passkey(Base):
    """A WebAuthn credential. `backup_eligible` never changes; `set_aside_at`: its counter went back.

    `bound_level` is that of the session it was added in, which it never exceeds; empty for those of an enrolment.
    """

    __tablename__ = "passkeys"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    aaguid: Mapped[str]
    bound_level: Mapped[str | None]
    transports: Mapped[list[str]]
    name: Mapped[str]
    added_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    uses: Mapped[int] = mapped_column(default=0)
    set_aside_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class OneTimeSecret(Base):
    """A TOTP secret; `last_step` is the last accepted step and only grows; -1 before the confirming code."""

    __tablename__ = "one_time_secrets"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    added_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    uses: Mapped[int] = mapped_column(default=0)
    withdrawn_at: Mapped[datetime | None]


class Approval(Base):
    """A sign-in request to a phone.

        pending → matched → approved → collected
           └────────┴─────────┴──→ refused · expired · killed · replaced

    Without `practitioner_id` it is a decoy: nobody can answer it. `person` is the throttle's name for whoever
    was typed. The number and the QR code are derived from `id`, so nothing readable rests here. `quiet`: phones do not
    list it. `asker`, `familiar`, `asks`: who asked, and how often by then; see `approval_asks`.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        Index(
            "uq_approvals_open", "person", unique=True,
            sqlite_where=text("state IN ('pending', 'matched')"),
            postgresql_where=text("state IN ('pending', 'matched')"),
        ),
        Index("ix_approvals_person_ended_at", "person", "ended_at"),
    )  # fmt: skip
    id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioners.id"), index=True)
    browser_digest: Mapped[str]
    state: Mapped[str]
    compatible: Mapped[bool]
    quiet: Mapped[bool] = mapped_column(default=False)
    asker: Mapped[str] = mapped_column(default="")
    familiar: Mapped[bool] = mapped_column(default=False)
    asks: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)
    service: Mapped[str]
    device: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    phone_id: Mapped[int | None] = mapped_column(BigId)
    methods: Mapped[list[str] | None]
    level: Mapped[str | None]


class Activation(Base):
    """Two codes that were sent (asked), then the enrolment they opened (verified → done)."""

    __tablename__ = "activations"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"), index=True)
    state: Mapped[str]
    mail_digest: Mapped[str] = mapped_column(unique=True)
    sms_digest: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    token_digest: Mapped[str | None] = mapped_column(unique=True)
    card_id: Mapped[int | None] = mapped_column(ForeignKey("cards.id"))
    passkey_passed: Mapped[bool] = mapped_column(default=False)
    totp_passed: Mapped[bool] = mapped_column(default=False)


class Pairing(Base):
    """A single-use token shown as a QR code: who scans it makes that browser a phone of the card."""

    __tablename__ = "pairings"
    token_digest: Mapped[str] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioners.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Ceremony(Base):
    """A WebAuthn challenge that waits for its one answer; the row is deleted by the answer.

    `discoverable`: any passkey may answer. Otherwise only those of `practitioner_id`: nobody's, when it is
    empty (an unknown number was typed).
    """

    __tablename__ = "ceremonies"
    challenge_digest: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    binding_digest: Mapped[str]
    practitioner_id: Mapped[int | None] = mapped_column(BigId)
    discoverable: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(index=True)
