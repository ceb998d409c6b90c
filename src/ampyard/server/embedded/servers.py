from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ampyard.server.embedded.home import HomeLock, account_for
from ampyard.server.embedded.postgres import APPLICATION_ROLE, OWNER_ROLE, Postgres
from ampyard.server.embedded.valkey import Valkey


class EmbeddedServers:
    """PostgreSQL 18 and Valkey under one data folder. As a context manager it stops them on leaving; it does not start them.

    The URLs follow from the folder alone, so that a second command can reach servers that another process runs.

    Args:
        home: the data folder; made when missing, private to the user.
        durable: False for tests: commits may be lost when the machine (not the process) crashes.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self._lock = HomeLock(self.home)
        logs = self.home / "logs"
        self._postgres = Postgres(self.home / "postgres", log=logs / "postgres.log", durable=durable)
        self._valkey = Valkey(self.home / "valkey", log=logs / "valkey.log")

    @property
    def database_owner_url(self) -> str:
        """SQLAlchemy URL of the superuser, for migrations."""
        return self._postgres.url(OWNER_ROLE)

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the application role, which row-level security binds."""
        return self._postgres.url(APPLICATION_ROLE)

    @property
    def redis_url(self) -> str:
        return self._valkey.url

    def claim(self) -> None:
        """Take the exclusive lock on the data folder, before anything else is looked at.

        Raises:
            HomeInUseError: another process holds it; the message names its process id.
        """
        self._lock.acquire()

    def start(self, progress: Callable[[str], None], *, postgres: bool = True, valkey: bool = True) -> None:
        """Claim the folder and start both servers, or one of them; returns when they answer, a second or so later on an empty folder.

        Servers that a killed run left behind are stopped first. After an exception nothing is left running.

        Args:
            progress: told what happens, a sentence at a time.
            postgres: False where PostgreSQL is elsewhere.
            valkey: False where the Redis-protocol server is elsewhere.

        Raises:
            EmbeddedServersError: they cannot run; the message says why and what to do.
        """
        self.claim()
        try:
            account = account_for(
                self.home,
                data_folders=(self._postgres.folder, self._valkey.folder),
                programs=(*self._postgres.installation, *self._valkey.installation),
                progress=progress,
            )
            if valkey:
                self._valkey.start(account, progress)
            if postgres:
                self._postgres.start(account, progress)
        except BaseException:
            self.stop()
            raise

    def ended(self) -> str | None:
        """What to tell when one of the started servers has ended by itself; None while both run."""
        return self._postgres.ended() or self._valkey.ended()

    def stop(self) -> None:
        """Stop both and let go of the folder. A KeyboardInterrupt meanwhile hurries. Does nothing when they are not ours to stop."""
        if self._lock.held:
            self._postgres.stop()
            self._valkey.stop()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
