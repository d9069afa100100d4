"""a load walks along the table of people: no index by portion"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.drop_index("ix_practitioners_bucket", "practitioners")


def downgrade() -> None:
    op.create_index("ix_practitioners_bucket", "practitioners", ["bucket"])
