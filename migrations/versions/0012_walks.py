"""a load walks along the table of people and sorts it itself; FHIR asks who changed since a moment"""

import zlib

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

PORTION = 5000


def upgrade() -> None:
    op.drop_index("ix_practitioners_bucket", "practitioners")
    op.drop_column("practitioners", "bucket")
    op.create_index("ix_practitioners_changed_at", "practitioners", ["changed_at"])


def downgrade() -> None:
    op.drop_index("ix_practitioners_changed_at", "practitioners")
    op.add_column("practitioners", sa.Column("bucket", sa.Integer(), nullable=False, server_default="0"))
    db, last = op.get_bind(), 0
    wanted = sa.text("SELECT id, national_id FROM practitioners WHERE id > :last ORDER BY id LIMIT :portion")
    fill = sa.text("UPDATE practitioners SET bucket = :bucket WHERE id = :person")
    while rows := db.execute(wanted, {"last": last, "portion": PORTION}).all():
        last = rows[-1].id
        db.execute(fill, [{"bucket": zlib.crc32(one.national_id.encode()) % 64, "person": one.id} for one in rows])
    op.create_index("ix_practitioners_bucket", "practitioners", ["bucket"])
