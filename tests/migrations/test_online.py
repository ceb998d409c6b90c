"""What a revision asks to be done to tables in use becomes steps, in its order."""

from types import SimpleNamespace

import pytest

from ampyard.migrations import online
from ampyard.migrations.steps import Step


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Return the list that the revision being run notes its steps in."""
    steps: list[Step] = []
    context = SimpleNamespace(config=SimpleNamespace(attributes={"steps": steps}))
    monkeypatch.setattr(online, "op", SimpleNamespace(get_context=lambda: context))
    return steps


def test_the_sql_of_each(noted: list[Step]) -> None:
    online.create_index("i", "t", ["a", "lower(b)"], where="c IS NULL", include=["d"])
    online.create_index("u", "t", ["a"], unique=True, using="gist")
    online.drop_index("i", "t")
    online.add_check("c", "t", "a > 0")
    online.add_foreign_key("f", "t", ["tenant_id", "a_id"], "a", ["tenant_id", "id"], ondelete="SET NULL (a_id)")
    online.add_unique("q", "t", ["a", "b"])

    assert [sql for step in noted for sql in step.statements()] == [
        "CREATE INDEX CONCURRENTLY i ON t USING btree (a, lower(b)) INCLUDE (d) WHERE c IS NULL",
        "CREATE UNIQUE INDEX CONCURRENTLY u ON t USING gist (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (tenant_id, a_id) REFERENCES a (tenant_id, id) ON DELETE SET NULL (a_id) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT f",
        "CREATE UNIQUE INDEX CONCURRENTLY q ON t (a, b)",
        "ALTER TABLE t ADD CONSTRAINT q UNIQUE USING INDEX q",
    ]


def test_the_sql_for_a_partitioned_table(noted: list[Step]) -> None:
    online.create_index("i", "t", ["a"])
    online.drop_index("i", "t")

    assert [sql for step in noted for sql in step.statements(["t_1", "t_2"])] == [
        "CREATE INDEX CONCURRENTLY t_1_i ON t_1 USING btree (a)",
        "CREATE INDEX CONCURRENTLY t_2_i ON t_2 USING btree (a)",
        "CREATE INDEX i ON ONLY t USING btree (a)",
        "ALTER INDEX i ATTACH PARTITION t_1_i",
        "ALTER INDEX i ATTACH PARTITION t_2_i",
        "DROP INDEX IF EXISTS i",
    ]
