"""What went wrong, told to whoever types commands: a sentence for what a person can mend."""

from collections.abc import Iterator

import asyncpg
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from ampyard.domain.errors import DomainError
from ampyard.engine import ManifestError
from ampyard.server.embedded import EmbeddedServersError
from ampyard.server.settings import Settings
from ampyard.simulator.fleet import Fleet

_DATABASE_HINT = "Check AMPYARD_DATABASE_URL; the embedded database answers while `ampyard up` runs on the same AMPYARD_HOME."


def explain(error: BaseException) -> str | None:
    """Return what to tell about `error` in place of its traceback; None for what only a change of the program can mend."""
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return "\n".join(_setting_faults(error))
    if isinstance(error, ValidationError) and error.title == Fleet.__name__:
        return "\n".join(["The fleet file is not of the shape that simulator/fleet.py documents:", *_fleet_faults(error)])
    if isinstance(error, DomainError | EmbeddedServersError | ManifestError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return _database_fault(error)


def _database_fault(error: BaseException) -> str | None:
    if isinstance(error, DBAPIError) and isinstance(error.orig, BaseException) and error.orig.__cause__ is not None:
        return _database_fault(error.orig.__cause__)  # as asyncpg raised it
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return f"The database is not at the present schema ({error}). Run `ampyard migrate`."
    if isinstance(error, asyncpg.PostgresError):
        return f"The database refuses: {error}. {_DATABASE_HINT}"
    if isinstance(error, OSError):
        # A command connects to nothing else; whoever serves tries again instead.
        return f"The database does not answer ({error}). {_DATABASE_HINT}"
    return None


def _setting_faults(error: ValidationError) -> Iterator[str]:
    # Without the value, which may be a secret.
    for fault in error.errors(include_url=False, include_input=False):
        text = fault["msg"].removeprefix("Value error, ")
        name = "_".join(str(part) for part in fault["loc"]).upper()
        yield f"AMPYARD_{name}: {text}" if name else text


def _fleet_faults(error: ValidationError) -> Iterator[str]:
    # Without the values, which may be passwords.
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in fault["loc"])
        yield f"  {place}: {fault['msg']}" if place else f"  {fault['msg']}"
