"""Alembic's entry point. The connection is handed in by `ampyard.migrations.upgrade`; there is no ini file to read."""

from alembic import context

from ampyard.repositories.partitions import PARTITIONED
from ampyard.repositories.tables import metadata

# What is not ours, and the months of tables that are divided by them.
_LEFT_OUT = ("pgqueuer", *(f"{table.name}_" for table in PARTITIONED))

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=False,  # TextEnum and Text are the same column type
    include_name=lambda name, kind, _parents: not (kind == "table" and (name or "").startswith(_LEFT_OUT)),
)
with context.begin_transaction():
    context.run_migrations()
