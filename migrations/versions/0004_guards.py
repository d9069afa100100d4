"""what a second look needs: when a contact changed, whose facts an interaction holds, who asks a phone,
how well a passkey was bound; and the journal is not emptied whole either"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

JOURNAL = ("audit_entries", "audit_seals")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("practitioners", sa.Column("contact_changed_at", sa.BigInteger(), nullable=True))
    op.add_column("interactions", sa.Column("practitioner_id", BIG_ID, nullable=True))
    op.add_column("approvals", sa.Column("quiet", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("approvals", sa.Column("asker", sa.String(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("familiar", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("approvals", sa.Column("asks", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("passkeys", sa.Column("bound_level", sa.String(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for table in JOURNAL:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in JOURNAL:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    op.drop_column("passkeys", "bound_level")
    for name in ("asks", "familiar", "asker", "quiet"):
        op.drop_column("approvals", name)
    op.drop_column("interactions", "practitioner_id")
    op.drop_column("practitioners", "contact_changed_at")
