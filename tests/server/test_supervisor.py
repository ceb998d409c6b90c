import asyncio
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ampyard.server.supervisor import ChildSpec, Supervisor, http_ready

_SLEEP = "import time; time.sleep(60)"
# Notes its own stop signal in a file, so that the order of several can be compared.
_NOTE_STOP = """
import pathlib, signal, sys, time
def stop(number, frame):
    with open({notes!r}, "a") as notes:
        notes.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path({ready!r}).touch()
time.sleep(60)
"""
_SUPERVISE = """
import asyncio, sys
from pathlib import Path
from ampyard.server.supervisor import ChildSpec, Supervisor
child = "from ampyard.server.supervisor import exit_with_supervisor as watch; watch(); import time; time.sleep(60)"
children = [ChildSpec(name, (sys.executable, "-c", child)) for name in ("api", "worker")]
supervisor = Supervisor(children, logs=Path(sys.argv[1]), show=print)
async def when_ready():
    print("ready", flush=True)
sys.exit(asyncio.run(supervisor.run(when_ready)))
"""


def _python(name: str, code: str, *, after: tuple[str, ...] = (), ready: Callable[[], bool] | None = None) -> ChildSpec:
    async def probe() -> bool:
        return ready is None or ready()

    return ChildSpec(name, (sys.executable, "-c", textwrap.dedent(code)), ready=probe, after=after)


async def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_stop_signal_stops_children_in_the_opposite_order_of_starting(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    names = ("api", "connect", "worker")
    children = [
        _python(name, _NOTE_STOP.format(notes=str(notes), name=name, ready=str(tmp_path / name)), ready=(tmp_path / name).exists)
        for name in names
    ]
    shown: list[str] = []

    code = await Supervisor(children, logs=tmp_path / "logs", show=shown.append).run(_terminate)

    assert code == 0
    assert notes.read_text().split() == ["worker", "connect", "api"]
    assert shown == ["Stopping (Ctrl-C again to hurry)"]


async def test_a_child_that_ends_stops_everything_and_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    started = tmp_path / "started"
    children = [
        _python("api", _NOTE_STOP.format(notes=str(notes), name="api", ready=str(started)), ready=started.exists),
        _python("worker", "print('first'); print('last words'); raise SystemExit(3)", after=("api",)),
    ]
    shown: list[str] = []

    code = await Supervisor(children, logs=tmp_path / "logs", show=shown.append).run()

    assert code == 1
    assert shown == [f"worker ended by itself (exit code 3). Its log, {tmp_path}/logs/worker.log, ends:\nfirst\nlast words"]
    assert notes.read_text().split() == ["api"]


async def test_a_child_killed_by_a_signal_is_reported_by_its_name(tmp_path: Path) -> None:
    shown: list[str] = []
    child = _python("api", "import os; os.kill(os.getpid(), 9)")

    assert await Supervisor([child], logs=tmp_path, show=shown.append).run() == 1
    assert shown == [f"api ended by itself (SIGKILL). Its log, {tmp_path}/api.log, is empty."]


async def test_the_death_of_a_child_is_noticed_though_its_own_child_keeps_the_output_open(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"""
        import pathlib, subprocess, sys
        orphan = subprocess.Popen([sys.executable, "-c", {_SLEEP!r}])
        pathlib.Path({str(pid_file)!r}).write_text(str(orphan.pid))
    """
    shown: list[str] = []
    try:
        async with asyncio.timeout(20):
            assert await Supervisor([_python("api", code)], logs=tmp_path, show=shown.append).run() == 1
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
    assert shown == [f"api ended by itself (exit code 0). Its log, {tmp_path}/api.log, is empty."]


async def test_a_program_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    shown: list[str] = []
    code = await Supervisor([ChildSpec("api", ("/nonexistent",))], logs=tmp_path, show=shown.append).run()
    assert code == 1
    assert shown == ["api cannot be started: [Errno 2] No such file or directory: '/nonexistent'"]


async def test_a_child_that_is_not_ready_in_time_is_reported(tmp_path: Path) -> None:
    shown: list[str] = []
    child = _python("api", f"print('thinking')\n{_SLEEP}", ready=lambda: False)

    code = await Supervisor([child], logs=tmp_path, show=shown.append, ready_timeout_s=1).run(_terminate)

    assert code == 1
    assert shown == [f"api was not ready after 1 s. Its log, {tmp_path}/api.log, ends:\nthinking"]


async def test_a_failure_from_outside_stops_everything(tmp_path: Path) -> None:
    shown: list[str] = []
    supervisor = Supervisor([_python("api", _SLEEP)], logs=tmp_path, show=shown.append, failure=lambda: "PostgreSQL ended by itself")
    assert await supervisor.run() == 1
    assert shown == ["PostgreSQL ended by itself"]


async def test_an_error_while_announcing_stops_the_children_before_it_is_raised(tmp_path: Path) -> None:
    supervisor = Supervisor([_python("api", _SLEEP)], logs=tmp_path, show=print)

    async def fail() -> None:
        raise LookupError("no such tenant")

    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run(fail)

    assert raised.group_contains(LookupError, match="no such tenant")
    assert [child for child in psutil.Process().children() if _SLEEP in child.cmdline()] == []


async def test_a_child_starts_only_after_those_it_needs_are_ready(tmp_path: Path) -> None:
    ready, seen = tmp_path / "ready", tmp_path / "seen"
    note = f"import pathlib; pathlib.Path({str(seen)!r}).write_text(str(pathlib.Path({str(ready)!r}).exists()))"
    children = [
        _python("simulate", f"{note}\n{_SLEEP}", after=("connect",), ready=lambda: seen.exists() and seen.read_text() != ""),
        _python("connect", f"import pathlib, time; time.sleep(0.3); pathlib.Path({str(ready)!r}).touch()\n{_SLEEP}", ready=ready.exists),
    ]

    assert await Supervisor(children, logs=tmp_path, show=print).run(_terminate) == 0
    assert seen.read_text() == "True"


async def test_everything_is_logged_and_alarms_are_shown(tmp_path: Path) -> None:
    code = r"""
        import sys
        print("INFO 7 errors so far, none an ERRORS")
        print("2026-01-01 WARNING battery", file=sys.stderr)
        print('{"level": "error", "event": "x"}')
        print("x" * 200 + " ERROR is only text here")
        print("~" * 200_000)
    """
    shown: list[str] = []

    await Supervisor([_python("api", code)], logs=tmp_path, show=shown.append).run()

    assert shown[:-1] == ["api: 2026-01-01 WARNING battery", 'api: {"level": "error", "event": "x"}']
    log = (tmp_path / "api.log").read_text()
    assert log.startswith("INFO 7 errors so far")
    assert log.count("~") == 200_000
    assert (tmp_path / "api.log").stat().st_mode & 0o777 == 0o600


_DEAF = "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path({ready!r}).touch(); time.sleep(60)"


async def test_a_child_that_ignores_the_stop_signal_is_killed_in_the_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    shown: list[str] = []
    child = _python("api", _DEAF.format(ready=str(ready)), ready=ready.exists)

    code = await Supervisor([child], logs=tmp_path, show=shown.append, stop_timeout_s=0.5).run(_terminate)

    assert code == 0
    assert shown == ["Stopping (Ctrl-C again to hurry)", "api did not stop in 0 s and is killed"]


async def test_a_second_signal_hurries(tmp_path: Path) -> None:
    readies = [tmp_path / "ready1", tmp_path / "ready2"]
    children = [_python(ready.name, _DEAF.format(ready=str(ready)), ready=ready.exists) for ready in readies]
    shown: list[str] = []

    async def interrupt_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGINT)

    started = time.monotonic()
    code = await Supervisor(children, logs=tmp_path, show=shown.append, stop_timeout_s=30).run(interrupt_twice)

    assert code == 0
    assert time.monotonic() - started < 10
    assert shown == ["Stopping (Ctrl-C again to hurry)"]


async def test_http_ready_says_no_until_a_success_is_answered() -> None:
    port = _free_port()
    probe = http_ready(f"http://127.0.0.1:{port}/readyz")
    assert await probe() is False

    statuses = iter(("503 Service Unavailable", "204 No Content"))
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(f"HTTP/1.1 {next(statuses)}\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        assert [await probe(), await probe()] == [False, True]
    assert asked == [b"GET /readyz HTTP/1.1\r\n"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True])
async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path, whole_group: bool) -> None:  # noqa: FBT001 - parametrized
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SUPERVISE, str(tmp_path), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2
    assert {os.getpgid(child.pid) for child in children} & {process.pid} == set()

    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()

    assert await process.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while any(map(_runs, children)) and time.monotonic() < deadline:  # noqa: ASYNC110 - what is awaited is another process
        await asyncio.sleep(0.01)
    assert not any(map(_runs, children))


@pytest.mark.slow
async def test_a_signal_to_the_supervisor_process_ends_it_with_success(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SUPERVISE, str(tmp_path), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    children = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(signal.SIGINT)

    rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"Stopping (Ctrl-C again to hurry)\n")
    assert not any(map(_runs, children))
