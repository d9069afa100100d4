"""people as they were before the last load, so that it can be taken back"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("loads", sa.Column("undoable", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "load_changes",
        sa.Column("load_id", BIG_ID, sa.ForeignKey("loads.id"), primary_key=True),
        sa.Column("practitioner_id", BIG_ID, sa.ForeignKey("practitioners.id"), primary_key=True),
        sa.Column("op", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("load_changes")
    op.drop_column("loads", "undoable")
