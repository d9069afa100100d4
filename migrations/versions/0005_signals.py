"""services are told that a session ended: where, and how it went"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("clients", sa.Column("backchannel_logout_uri", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "clients",
        sa.Column("backchannel_logout_session_required", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, nullable=False),
        sa.Column("note_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_cause", sa.String(), nullable=False),
        sa.Column("last_milliseconds", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("jti", name="uq_deliveries_jti"),
        sa.UniqueConstraint("session_id", "client_id", name="uq_deliveries_session_id_client_id"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_deliveries_client_id"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioners.id"], name="fk_deliveries_practitioner_id"),
    )
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"], unique=False)
    op.create_index("ix_deliveries_client_id", "deliveries", ["client_id"], unique=False)
    op.drop_index("ix_outbox_due_at", "outbox")
    is_open = sa.text("closed_at IS NULL")
    op.create_index("ix_outbox_open", "outbox", ["due_at"], sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    op.drop_index("ix_outbox_open", "outbox")
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"], unique=False)
    op.drop_index("ix_deliveries_client_id", "deliveries")
    op.drop_index("ix_deliveries_state_due_at", "deliveries")
    op.drop_table("deliveries")
    op.drop_column("clients", "backchannel_logout_session_required")
    op.drop_column("clients", "backchannel_logout_uri")
