"""of which lines of the extracts it is known that they change nobody"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("practitioners", sa.Column("lines_digest", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("practitioners", "lines_digest")
