"""a load walks along the table of people, and FHIR asks who changed since a moment"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.drop_index("ix_practitioners_bucket", "practitioners")
    op.create_index("ix_practitioners_changed_at", "practitioners", ["changed_at"])


def downgrade() -> None:
    op.drop_index("ix_practitioners_changed_at", "practitioners")
    op.create_index("ix_practitioners_bucket", "practitioners", ["bucket"])
