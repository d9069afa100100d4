"""what is odd in the registry, for the console"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "anomalies",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, sa.ForeignKey("practitioners.id")),
        sa.Column("other_id", BIG_ID, sa.ForeignKey("practitioners.id")),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ignored_at", sa.BigInteger()),
        sa.Column("ignored_by", sa.String(), nullable=False, server_default=""),
        sa.Column("ignored_reason", sa.String(), nullable=False, server_default=""),
    )
    op.create_index("ix_anomalies_kind_id", "anomalies", ["kind", "id"])


def downgrade() -> None:
    op.drop_table("anomalies")
