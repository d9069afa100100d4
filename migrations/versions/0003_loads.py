"""a load names the held load it accepts; a rejected line keeps the value at fault"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("loads", sa.Column("accepts", BIG_ID, nullable=True))
    op.add_column("rejects", sa.Column("value", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("rejects", "value")
    op.drop_column("loads", "accepts")
