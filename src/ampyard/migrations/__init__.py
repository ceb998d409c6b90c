"""Bringing a database to the present schema while it is in use, or back (ADR 0018)."""

from ampyard.migrations.describing import describe
from ampyard.migrations.revisions import alembic_config
from ampyard.migrations.running import downgrade, upgrade

__all__ = ["alembic_config", "describe", "downgrade", "upgrade"]
