"""streams of security events (Shared Signals): what services asked to hear, and what waits for them"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("client_id", sa.String(), sa.ForeignKey("clients.id"), nullable=False, unique=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("endpoint_url", sa.String(), nullable=False),
        sa.Column("authorization", sa.LargeBinary()),
        sa.Column("events_requested", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger()),
    )
    op.create_table(
        "stream_subjects",
        sa.Column("stream_id", sa.String(), sa.ForeignKey("streams.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject", sa.String(), primary_key=True),
    )
    op.create_table(
        "stream_events",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("jti", sa.String(), nullable=False, unique=True),
        sa.Column(
            "stream_id", sa.String(), sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("subject", sa.JSON(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("txn", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger()),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_cause", sa.String(), nullable=False),
        sa.Column("last_milliseconds", sa.Integer()),
        sa.UniqueConstraint("stream_id", "source"),
    )
    op.create_index("ix_stream_events_state_due_at", "stream_events", ["state", "due_at"])


def downgrade() -> None:
    for table in ("stream_events", "stream_subjects", "streams"):
        op.drop_table(table)
