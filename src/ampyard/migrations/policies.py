"""Row-level security of a table, as every revision that makes one sets it up (ADRs 0003 and 0015)."""

from alembic import op

_MINE = "tenant_id = (SELECT ampyard_tenant())"


def protect(table: str, *, reach: str | None = None) -> None:
    """Show a new tenant table's rows to the application role: its tenant's, and of those what is within the caller's reach.

    Args:
        table: the table; it has a `tenant_id`.
        reach: SQL that says of a row whether a caller with grants on resource groups may see and change it. None: whoever is of the tenant.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ampyard_app")
    # The sub-select is evaluated once a statement, not once a row.
    op.execute(f"CREATE POLICY tenant ON {table} TO ampyard_app USING ({_MINE}) WITH CHECK ({_MINE})")
    if reach is not None:
        confine(table, reach)


def confine(table: str, reach: str) -> None:
    """Confine a table that is protected already to the caller's reach; see `protect`."""
    op.execute(f"CREATE POLICY reach ON {table} AS RESTRICTIVE TO ampyard_app USING ((SELECT ampyard_everywhere()) OR ({reach}))")


def unconfine(table: str) -> None:
    """Take back what `confine` did."""
    op.execute(f"DROP POLICY reach ON {table}")
