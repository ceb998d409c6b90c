"""Alembic's entry point. The connection is handed in by `ampyard.migrations.upgrade`; there is no ini file to read."""

from alembic import context

from ampyard.repositories.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=False,  # TextEnum and Text are the same column type
    include_name=lambda name, kind, _parents: not (kind == "table" and (name or "").startswith(("pgqueuer", "meter_sample_"))),
)
with context.begin_transaction():
    context.run_migrations()
