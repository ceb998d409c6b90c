"""What a statement does to tables, by the documentation of PostgreSQL."""

import pytest

from ampyard.migrations.locks import Effect, Mode, effect_of

ACCESS, ROWS, WRITERS, CHANGES, SHARE = (
    Mode.ACCESS_EXCLUSIVE,
    Mode.ROW_EXCLUSIVE,
    Mode.SHARE_ROW_EXCLUSIVE,
    Mode.SHARE_UPDATE_EXCLUSIVE,
    Mode.SHARE,
)


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("CREATE TABLE a (id UUID, CONSTRAINT f FOREIGN KEY(b) REFERENCES b (id));", Effect({"b": WRITERS}, makes="a")),
        ("CREATE TABLE a (p UUID, FOREIGN KEY(p) REFERENCES a (id))", Effect({}, makes="a")),
        ("CREATE TABLE a_1 PARTITION OF a DEFAULT", Effect({"a": ACCESS}, makes="a_1")),
        ("DROP TABLE a", Effect({"a": ACCESS}, drops="a")),
        ("ALTER TABLE a ADD COLUMN b TEXT", Effect({"a": ACCESS})),
        ("ALTER TABLE a ADD COLUMN b BOOLEAN DEFAULT false NOT NULL", Effect({"a": ACCESS})),
        ("ALTER TABLE a ADD COLUMN b UUID DEFAULT gen_random_uuid() NOT NULL", Effect({"a": ACCESS}, frozenset({"a"}))),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", Effect({"a": ACCESS}, frozenset({"a"}))),
        ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL", Effect({"a": ACCESS})),
        ("ALTER TABLE a ALTER COLUMN b TYPE TEXT", Effect({"a": ACCESS}, frozenset({"a"}))),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)", Effect({"a": ACCESS}, frozenset({"a"}))),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID", Effect({"a": ACCESS})),
        ("ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY(b) REFERENCES b (id)", Effect({"a": WRITERS, "b": WRITERS}, frozenset({"a"}))),
        ("ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY(b) REFERENCES b (id) NOT VALID", Effect({"a": WRITERS, "b": WRITERS})),
        ("ALTER TABLE a ADD CONSTRAINT c UNIQUE USING INDEX c", Effect({"a": ACCESS})),
        ("ALTER TABLE a VALIDATE CONSTRAINT c", Effect({"a": CHANGES}, frozenset({"a"}))),
        ("CREATE UNIQUE INDEX i ON a (b)", Effect({"a": SHARE}, frozenset({"a"}))),
        ("CREATE INDEX CONCURRENTLY i ON a USING btree (b)", Effect({"a": CHANGES}, frozenset({"a"}))),
        ("CREATE INDEX i ON ONLY a USING btree (b)", Effect({"a": SHARE})),
        ("CREATE POLICY p ON a TO x USING (true)", Effect({"a": ACCESS})),
        ("CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()", Effect({"a": WRITERS})),
        ("UPDATE a SET b = 1", Effect({"a": ROWS}, frozenset({"a"}))),
        ("GRANT SELECT ON a TO x", Effect({})),
        ("CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$", Effect({})),
        ("CLUSTER a USING i", None),
    ],
)
def test_the_locks_of_a_statement(sql: str, effect: Effect | None) -> None:
    assert effect_of(sql) == effect


def test_writers_wait_for_some_locks_and_not_for_others() -> None:
    assert [mode.stops_writers for mode in (ROWS, CHANGES, SHARE, WRITERS, ACCESS)] == [False, False, True, True, True]
