"""Alembic's entry point. The connection is handed in by `ampyard.migrations`; there is no ini file to read."""

from alembic import context
from sqlalchemy import text

from ampyard.repositories.tables import metadata

connection = context.config.attributes["connection"]
# Made as time goes on, by the months of their table: no revision knows them.
partitions = frozenset(connection.execute(text("SELECT relname FROM pg_class WHERE relispartition")).scalars())

context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=False,  # TextEnum and Text are the same column type
    output_buffer=context.config.attributes.get("recorder"),  # where a plan is written down
    include_name=lambda name, kind, _parents: (
        not (kind == "table" and (name in partitions or name == "migration_step" or (name or "").startswith("pgqueuer")))
    ),
)
with context.begin_transaction():
    context.run_migrations()
