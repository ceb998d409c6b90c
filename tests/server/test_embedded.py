import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil
import pytest
import redis.asyncio as redis

from ampyard.server.embedded import EmbeddedServers, EmbeddedServersError, HomeInUseError, PortTakenError, ensure_port_free

# Starts servers on a folder, says so, and waits to be killed.
_HOLD = """
import sys, time
from pathlib import Path
from ampyard.server.embedded import EmbeddedServers
EmbeddedServers(Path(sys.argv[1])).start(lambda text: None)
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path, see the fixture `servers`.
    with TemporaryDirectory(prefix="ampyard-test-") as folder:
        yield Path(folder) / "home"


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def _write(servers: EmbeddedServers) -> None:
    connection = await _connect(servers.database_owner_url)
    await connection.execute("CREATE TABLE depots AS SELECT 'Rotterdam' AS name")
    await connection.close()


async def _read(servers: EmbeddedServers) -> str:
    connection = await _connect(servers.database_owner_url)
    name: str = await connection.fetchval("SELECT name FROM depots")
    await connection.close()
    return name


def _processes(home: Path) -> list[psutil.Process]:
    """All servers on a folder, whoever started them. One that has ended has no command line, even while it waits to be collected."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and any(str(home) in argument for argument in process.info["cmdline"][1:])
    ]


def _wait_until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class _Holder:
    """Another process that runs the servers of `home`."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", _HOLD, str(home)], stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "started\n"
        self.guards = [child for child in psutil.Process(self.process.pid).children() if child.name() == "sh"]
        assert len(self.guards) == 2

    def kill(self, *, guards: bool = False) -> None:
        for guard in self.guards if guards else []:
            guard.kill()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def holder(home: Path) -> Iterator[_Holder]:
    running = _Holder(home)
    yield running
    if running.process.poll() is None:
        running.kill()


@pytest.fixture
def other_process() -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        yield other
        other.kill()


async def test_the_application_role_is_bound_by_row_level_security_and_owns_nothing(servers: EmbeddedServers) -> None:
    connection = await _connect(servers.database_url)
    role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
    assert role is not None
    owned = await connection.fetchval(
        """SELECT (SELECT count(*) FROM pg_class WHERE relowner = $1) + (SELECT count(*) FROM pg_namespace WHERE nspowner = $1)
                + (SELECT count(*) FROM pg_database WHERE datdba = $1) + (SELECT count(*) FROM pg_proc WHERE proowner = $1)""",
        role["oid"],
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE mine ()")
    await connection.close()

    assert role["rolname"] == "ampyard_app"
    assert role["rolcanlogin"] is True
    attributes = ("rolsuper", "rolbypassrls", "rolinherit", "rolcreatedb", "rolcreaterole", "rolreplication")
    assert {name: role[name] for name in attributes} == dict.fromkeys(attributes, False)
    assert owned == 0


async def test_the_servers_are_what_the_design_says(servers: EmbeddedServers) -> None:
    connection = await _connect(servers.database_url)
    settings = {
        name: await connection.fetchval("SELECT current_setting($1)", name)
        for name in ("server_version_num", "server_encoding", "TimeZone", "synchronous_commit", "listen_addresses")
    }
    locale = await connection.fetchval("SELECT datlocale FROM pg_database WHERE datname = current_database()")
    await connection.close()
    client = redis.from_url(servers.redis_url)
    memory = await client.config_get("port", "save", "appendonly")
    await client.aclose()

    assert settings.pop("server_version_num").startswith("18")
    assert settings == {"server_encoding": "UTF8", "TimeZone": "UTC", "synchronous_commit": "on", "listen_addresses": ""}
    assert locale == "C.UTF-8"
    assert memory == {"port": "0", "save": "", "appendonly": "no"}


async def test_nobody_else_can_reach_them_and_they_do_not_run_as_root(servers: EmbeddedServers) -> None:
    sockets = [Path(servers.redis_url.removeprefix("unix://")), servers.home / "postgres" / ".s.PGSQL.5432"]
    for path in sockets:
        assert path.is_socket()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o077 == 0
    assert servers.home.stat().st_mode & 0o007 == 0
    assert (servers.home / "logs").stat().st_mode & 0o777 == 0o700
    processes = _processes(servers.home)
    assert {Path(process.exe()).name for process in processes} == {"postgres", "valkey-server"}
    assert 0 not in {process.uids().effective for process in processes}
    assert [connection for process in processes for connection in process.net_connections("inet")] == []


@pytest.mark.slow
async def test_a_second_start_keeps_the_data_and_a_durable_database_syncs(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        servers.start(print)
        await _write(servers)
    assert _processes(home) == []

    with EmbeddedServers(home) as servers:
        servers.start(print)
        connection = await _connect(servers.database_url)
        assert await connection.fetchval("SELECT current_setting('fsync') || current_setting('full_page_writes')") == "onon"
        await connection.close()
        assert await _read(servers) == "Rotterdam"


@pytest.mark.slow
async def test_when_their_owner_is_killed_the_servers_end_cleanly_by_themselves(home: Path, holder: _Holder) -> None:
    await _write(EmbeddedServers(home))

    holder.kill()

    _wait_until(lambda: _processes(home) == [])
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()
    with EmbeddedServers(home) as servers:
        servers.start(print)
        assert await _read(servers) == "Rotterdam"


@pytest.mark.slow
async def test_servers_that_a_killed_run_left_behind_are_replaced_and_data_kept(home: Path, holder: _Holder) -> None:
    await _write(EmbeddedServers(home))
    holder.kill(guards=True)
    leftovers = {process.name(): process.pid for process in _processes(home)}
    assert set(leftovers) == {"postgres", "valkey-server"}

    told: list[str] = []
    with EmbeddedServers(home) as servers:
        servers.start(told.append)
        assert await _read(servers) == "Rotterdam"
        assert {process.pid for process in _processes(home)} & set(leftovers.values()) == set()

    assert [text for text in told if text.startswith("Stopping")] == [
        f"Stopping the Valkey that an earlier run left behind (pid {leftovers['valkey-server']})",
        f"Stopping the PostgreSQL that an earlier run left behind (pid {leftovers['postgres']})",
    ]


@pytest.mark.slow
async def test_after_everything_was_killed_data_is_kept_and_process_ids_of_others_do_not_matter(
    home: Path, holder: _Holder, other_process: "subprocess.Popen[bytes]"
) -> None:
    await _write(EmbeddedServers(home))
    for process in psutil.Process(holder.process.pid).children(recursive=True):
        # One that just ends by itself is as good as killed.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    holder.kill()
    # The process ids left in the files of the killed server belong to somebody else by now.
    for file in (home / "postgres" / "data" / "postmaster.pid", home / "postgres" / ".s.PGSQL.5432.lock"):
        _pid, rest = file.read_text().split("\n", 1)
        file.write_text(f"{other_process.pid}\n{rest}")

    with EmbeddedServers(home) as servers:
        servers.start(print)
        assert await _read(servers) == "Rotterdam"

    assert other_process.poll() is None


@pytest.mark.slow
async def test_no_server_starts_beside_the_workers_of_a_killed_one(home: Path, holder: _Holder) -> None:
    await _write(EmbeddedServers(home))
    connection = await _connect(EmbeddedServers(home).database_url)
    worker = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    (server,) = (process for process in _processes(home) if process.name() == "postgres")
    worker.suspend()
    holder.kill(guards=True)
    server.kill()
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if text.startswith("Waiting for workers"):
            worker.resume()

    with EmbeddedServers(home) as servers:
        await asyncio.to_thread(servers.start, tell)
        assert await _read(servers) == "Rotterdam"

    connection.terminate()
    assert told.count("Waiting for workers of an earlier PostgreSQL, which was killed, to end") == 1


@pytest.mark.slow
async def test_a_database_that_was_killed_in_the_making_is_made_again(home: Path) -> None:
    unfinished = home / "postgres" / "unfinished-1"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    with EmbeddedServers(home, durable=False) as servers:
        servers.start(print)
        await _write(servers)

    assert not unfinished.exists()


async def test_a_second_copy_is_refused_and_harms_nothing(servers: EmbeddedServers) -> None:
    message = f"Ampyard already runs on {servers.home} (pid {os.getpid()}). Stop it, or set AMPYARD_HOME to another folder."
    with pytest.raises(HomeInUseError) as refused, EmbeddedServers(servers.home) as second:
        second.start(print)

    assert str(refused.value) == message
    assert servers.ended() is None
    client = redis.from_url(servers.redis_url)
    assert await client.ping()
    await client.aclose()


@pytest.mark.slow
def test_the_lock_is_free_as_soon_as_its_holder_is_killed(home: Path, holder: _Holder) -> None:
    with pytest.raises(HomeInUseError, match=rf"\(pid {holder.process.pid}\)"):
        EmbeddedServers(home).claim()

    holder.kill()

    with EmbeddedServers(home) as servers:
        servers.claim()


@pytest.mark.slow
async def test_a_folder_too_deep_for_a_socket_address_works(home: Path) -> None:
    deep = home / ("d" * 120)
    with EmbeddedServers(deep, durable=False) as servers:
        servers.start(print)
        assert len(servers.redis_url) < 108
        await _write(servers)
        assert await _read(EmbeddedServers(deep)) == "Rotterdam"
        client = redis.from_url(servers.redis_url)
        assert await client.ping()
        await client.aclose()
        folder = Path(servers.redis_url.removeprefix("unix://")).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(HomeInUseError), EmbeddedServers(deep) as second:
            second.start(print)
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.slow
async def test_a_server_that_ends_by_itself_is_told(home: Path) -> None:
    with EmbeddedServers(home, durable=False) as servers:
        servers.start(print)
        assert servers.ended() is None
        (valkey,) = (process for process in _processes(home) if process.name() == "valkey-server")
        valkey.send_signal(signal.SIGKILL)
        _wait_until(lambda: servers.ended() is not None)
        reason = servers.ended()

    assert reason is not None
    assert reason.startswith(f"Valkey ended by itself (exit code -9). Its log, {servers.home}/logs/valkey.log, ends:\n")


@pytest.mark.slow
def test_a_server_that_does_not_start_is_told_with_its_log_and_nothing_is_left(home: Path) -> None:
    with EmbeddedServers(home, durable=False) as servers:
        servers.start(print)
    (home / "postgres" / "data" / "pg_hba.conf").write_text("nonsense\n")

    with pytest.raises(EmbeddedServersError, match=r"(?s)^PostgreSQL did not start \(exit code 1\)\. Its log, .* ends:.*pg_hba"):
        EmbeddedServers(home).start(print)

    assert _processes(home) == []


def test_a_database_of_another_version_is_refused(home: Path) -> None:
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServersError, match=r"data was made by PostgreSQL 16, this is PostgreSQL 18\."):
        EmbeddedServers(home).start(print)
    assert _processes(home) == []


def test_a_home_that_is_no_folder_is_refused(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(EmbeddedServersError, match=r"cannot be used as the data folder .* Set AMPYARD_HOME"):
        EmbeddedServers(home).claim()


def test_a_taken_port_is_refused_with_the_setting_to_change() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError) as refused:
            ensure_port_free(port, setting="AMPYARD_CONNECT_PORT", patience_s=0)
        with pytest.raises(PortTakenError):
            ensure_port_free(port, host="0.0.0.0", patience_s=0)  # noqa: S104 - what a public deployment listens on
    assert str(refused.value) == f"Port {port} is taken by another program. Stop it, or set AMPYARD_CONNECT_PORT to a free port."
    ensure_port_free(port, patience_s=0)


def test_a_port_that_is_let_go_meanwhile_is_free() -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(.5)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with pytest.raises(PortTakenError):
            ensure_port_free(port, patience_s=0)
        ensure_port_free(port, patience_s=10)
