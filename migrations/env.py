"""Alembic's entry: one connection, one transaction for each migration."""

from alembic import context

from pro_sante_connect.app import load_models
from pro_sante_connect.core.database import WRITE, open_engine
from pro_sante_connect.core.models import Base, BigId, UtcDateTime


def _render(kind: str, item: object, autogen: object) -> str | bool:
    """Plain types in migrations: a migration must not change when a model's type does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger()"
    if kind == "type" and item is BigId:
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


load_models()
url = context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url")
engine = open_engine(url)
with engine.connect().execution_options(**WRITE) as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        render_item=_render,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
