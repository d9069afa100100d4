"""when a contact changed"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("practitioners", sa.Column("contact_changed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("practitioners", "contact_changed_at")
