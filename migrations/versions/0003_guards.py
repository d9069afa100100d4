"""what a second look needs: when a contact changed, whose facts an interaction holds"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("practitioners", sa.Column("contact_changed_at", sa.BigInteger(), nullable=True))
    op.add_column("interactions", sa.Column("practitioner_id", BIG_ID, nullable=True))


def downgrade() -> None:
    op.drop_column("interactions", "practitioner_id")
    op.drop_column("practitioners", "contact_changed_at")
