"""Dividing a table by months, as every revision that makes one so sets it up."""

from alembic import op


def divide_by_months(table: str) -> None:
    """Make the first partitions of a new table that is partitioned by range of a time, and one for what fits no month.

    Row-level security is that of the table: whoever addresses a partition directly finds it closed.
    """
    default = f"{table}_default"
    # Clocks elsewhere may be wrong: what they tell must not be refused.
    op.execute(f"CREATE TABLE {default} PARTITION OF {table} DEFAULT")
    op.execute(f"ALTER TABLE {default} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {default} FORCE ROW LEVEL SECURITY")
    # The owner, whom FORCE binds too, moves rows of all tenants out of it when their month is made.
    op.execute(f"CREATE POLICY owner_moves ON {default} TO CURRENT_USER USING (true)")
    op.execute(f"SELECT ampyard_make_partitions('{table}', 2)")
