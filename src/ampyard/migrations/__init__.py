"""Bringing a database to the present schema, or back (ADR 0018)."""

from ampyard.migrations.running import alembic_config, describe, downgrade, upgrade

__all__ = ["alembic_config", "describe", "downgrade", "upgrade"]
