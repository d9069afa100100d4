"""accounts of staff: invitations, passkeys, sessions, roles, and what waits for a second person"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("email", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("national_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False, unique=True),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger()),
        sa.Column("retired_at", sa.BigInteger()),
    )
    op.create_table(
        "invitations",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("account_id", BIG_ID, sa.ForeignKey("accounts.id"), nullable=False, index=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
    )
    op.create_table(
        "account_passkeys",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("account_id", BIG_ID, sa.ForeignKey("accounts.id"), nullable=False, index=True),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", BIG_ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("withdrawn_at", sa.BigInteger()),
    )
    op.create_table(
        "account_sessions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("cookie_digest", sa.String(), nullable=False, unique=True),
        sa.Column("account_id", BIG_ID, sa.ForeignKey("accounts.id"), nullable=False, index=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("ended_at", sa.BigInteger()),
    )
    op.create_table(
        "account_grants",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("account_id", BIG_ID, sa.ForeignKey("accounts.id"), nullable=False, index=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("authorities", sa.JSON(), nullable=False),
        sa.Column("departments", sa.JSON(), nullable=False),
        sa.Column("structures", sa.JSON(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
    )
    op.create_table(
        "proposals",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, sa.ForeignKey("practitioners.id"), nullable=False, index=True),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("interim", BIG_ID),
        sa.Column("author_id", BIG_ID, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closer_id", BIG_ID),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("word", sa.String(), nullable=False),
    )
    waiting = sa.text("state = 'pending'")
    op.create_index(
        "ix_proposals_waiting", "proposals", ["practitioner_id", "kind", "part"], unique=True,
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip


def downgrade() -> None:
    for table in (
        "proposals", "account_grants", "account_sessions", "account_passkeys", "invitations", "accounts",
    ):  # fmt: skip
        op.drop_table(table)
