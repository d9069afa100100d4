"""search: who has which term, filled from the dossiers; identifiers ordered by their bytes"""

import sqlalchemy as sa
from alembic import op

from pro_sante_connect.rpps.postings import fill

revision = "0006"
down_revision = "0005"

BYTES = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "postings",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("term", BYTES, nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "term", name=op.f("pk_postings")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
        op.execute('ALTER TABLE practitioners ALTER COLUMN national_id TYPE VARCHAR COLLATE "C"')
    fill(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
        op.execute('ALTER TABLE practitioners ALTER COLUMN national_id TYPE VARCHAR COLLATE "default"')
    op.drop_table("postings")
