"""Which revisions there are between the database and another point of its history."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from ampyard.domain.errors import InvalidInputError

BASE = "base"


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, steps=[])
    return config


def missing_revisions(connection: Connection, config: Config, to: str) -> list[Script]:
    """Return the revisions that are not applied yet, oldest first, up to one."""
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    return list(reversed(list(script.iterate_revisions(to, current or BASE))))


def undone_revisions(connection: Connection, config: Config, to: str) -> list[Script]:
    """Return the applied revisions that came after one, newest first.

    Raises:
        InvalidInputError: it is not applied.
    """
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    applied = list(script.iterate_revisions(current, BASE)) if current else []
    names = [*(revision.revision for revision in applied), BASE]
    if to not in names:
        raise InvalidInputError(f"The database is not beyond a revision {to!r}; it has {', '.join(reversed(names[:-1])) or 'none'}.")
    return applied[: names.index(to)]


def before(revision: Script) -> str:
    """Return the name of the revision before one; each has one, or none."""
    return str(revision.down_revision or BASE)
