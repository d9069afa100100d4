"""language of a card, what may be forgotten when"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("cards", sa.Column("language", sa.String(), nullable=False, server_default="fr"))
    op.add_column("counters", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_counters_expires_at", "counters", ["expires_at"], unique=False)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_sessions_expires_at", "sessions")
    op.drop_index("ix_counters_expires_at", "counters")
    op.drop_column("counters", "expires_at")
    op.drop_column("cards", "language")
