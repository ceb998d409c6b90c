"""What `ampyard up` is underneath: our processes started together, watched, and stopped in order.

Each child runs in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which then decides the order.
Should the supervisor die without a word (SIGKILL), the pipe that every child watches closes: see `exit_with_supervisor`.
"""

import asyncio
import contextlib
import os
import re
import signal
import threading
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from ampyard.server.logfile import Log

_SUPERVISOR_FD = "AMPYARD_SUPERVISOR_FD"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROBE_INTERVAL_S = 0.1
_WATCH_INTERVAL_S = 1.0
_LAST_OUTPUT_S = 1.0
_TAIL_LINES = 20
_LONGEST_LINE_BYTES = 64 * 1024
_HEAD_BYTES = 120  # a level stands near the beginning of a line; further on the word is only part of a text
_ALARM = re.compile(rb"\b(?:WARN|WARNING|ERROR|CRITICAL|FATAL)\b|\"level\": ?\"(?:warning|error|critical|fatal)\"")

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One process to run.

    Attributes:
        name: for people, and the name of its log.
        argv: its command line.
        env: added to the supervisor's own environment.
        ready: whether it does its work yet; None: as soon as it is started.
        after: names of the children that must be ready before it is started.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Probe | None = None
    after: Sequence[str] = ()


def http_ready(url: str) -> Probe:
    """A probe: whether a GET of the plain-HTTP `url` is answered with a success status."""
    parts = urlsplit(url)

    def get() -> bool:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            connection.request("GET", parts.path or "/")
            return 200 <= connection.getresponse().status < 300  # noqa: PLR2004 - the success class of RFC 9110, section 15.3
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return lambda: asyncio.to_thread(get)


def exit_with_supervisor() -> None:
    """Called by a child once, early: ends this process at once when the supervisor is gone. Does nothing without a supervisor.

    At once, not gracefully: whoever killed the supervisor may start it again this instant and needs our ports. Nothing is lost by that,
    what we have acknowledged is in the database.
    """
    inherited = os.environ.pop(_SUPERVISOR_FD, None)
    if inherited is None:
        return
    descriptor = int(inherited)
    os.set_inheritable(descriptor, False)

    def watch() -> None:
        os.read(descriptor, 1)
        os._exit(1)

    threading.Thread(target=watch, name="exit-with-supervisor", daemon=True).start()


class _Child:
    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.process: Process | None = None
        self.started = asyncio.Event()
        self.ready = asyncio.Event()
        self.tail: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def story(self) -> str:
        lines = "\n".join(line.decode(errors="replace") for line in self.tail)
        return f"Its log, {self.log}, ends:\n{lines}" if lines else f"Its log, {self.log}, is empty."


class Supervisor:
    """Runs children until a stop signal, or until one of them ends, which ends them all.

    Args:
        children: in order of starting; they are stopped in the opposite order.
        logs: folder of their logs, `<name>.log`.
        show: told what a person at the terminal should see.
        failure: asked every second for a reason from outside to give up (an embedded server that ended).
        ready_timeout_s: how long a child may take to become ready.
        stop_timeout_s: how long a child may take to end after SIGTERM, before SIGKILL.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        logs: Path,
        show: Callable[[str], None],
        failure: Callable[[], str | None] = lambda: None,
        ready_timeout_s: float = 60,
        stop_timeout_s: float = 10,
    ) -> None:
        self._children = {spec.name: _Child(spec, logs / f"{spec.name}.log") for spec in children}
        self._show = show
        self._failure = failure
        self._ready_timeout_s = ready_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failed: str | None = None

    async def run(self, when_ready: Callable[[], Awaitable[None]] | None = None) -> int:
        """Start all, await `when_ready` once all are ready, and supervise until the end. Handles SIGINT, SIGTERM and SIGHUP meanwhile.

        Returns:
            The exit code of the whole: 0 after a stop signal, 1 when a child ended or was not ready in time, or `failure` gave a reason.

        Raises:
            ExceptionGroup: with what `when_ready` raised; all children are stopped by then.
        """
        with self._signals(), _lifeline() as lifeline:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run_child(child, lifeline)) for child in self._children.values()]
                helpers = [group.create_task(self._await_ready(child)) for child in self._children.values()]
                helpers += [group.create_task(self._watch()), group.create_task(self._announce(when_ready))]
                try:
                    await self._stop.wait()
                finally:
                    self._stop.set()
                    for helper in helpers:
                        helper.cancel()
                    for child, task in zip(reversed(self._children.values()), reversed(tasks), strict=True):
                        if not child.started.is_set():
                            task.cancel()
                        await self._stop_child(child)
        if self._failed is not None:
            self._tell(self._failed)
        return 0 if self._failed is None else 1

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for stop_signal in _STOP_SIGNALS:
            loop.add_signal_handler(stop_signal, self._on_signal)
        try:
            yield
        finally:
            for stop_signal in _STOP_SIGNALS:
                loop.remove_signal_handler(stop_signal)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        else:
            self._stop.set()
            self._tell("Stopping (Ctrl-C again to hurry)")

    def _fail(self, reason: str) -> None:
        if not self._stop.is_set():
            self._failed = reason
            self._stop.set()

    def _tell(self, text: str) -> None:
        # The terminal may be gone, which is no reason to leave children behind.
        with contextlib.suppress(OSError):
            self._show(text)

    async def _run_child(self, child: _Child, lifeline: int) -> None:
        for name in child.spec.after:
            await self._children[name].ready.wait()
        # A pipe of ours: with PIPE, wait() waits for the pipe as well, which a process that the child started may keep open.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *child.spec.argv,
                stdin=DEVNULL,
                stdout=writing,
                stderr=STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.spec.env, _SUPERVISOR_FD: str(lifeline)},
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except BaseException as error:
            os.close(reading)
            if not isinstance(error, OSError):
                raise
            self._fail(f"{child.spec.name} cannot be started: {error}")
            return
        finally:
            os.close(writing)
        child.process = process
        child.started.set()
        collecting = asyncio.create_task(self._collect(child, reading))
        try:
            code = await process.wait()
            await asyncio.wait([collecting], timeout=_LAST_OUTPUT_S)
        finally:
            collecting.cancel()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self._fail(f"{child.spec.name} ended by itself ({how}). {child.story()}")

    async def _collect(self, child: _Child, reading: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        try:
            log = Log(child.log)
            with contextlib.closing(log):
                async for line in _lines(reader):
                    # A full disk must not keep us from emptying the pipe, on which the child would block.
                    with contextlib.suppress(OSError):
                        log.write(line + b"\n")
                    child.tail.append(line)
                    if _ALARM.search(line, 0, _HEAD_BYTES):
                        self._tell(f"{child.spec.name}: {line.decode(errors='replace')}")
        finally:
            transport.close()

    async def _await_ready(self, child: _Child) -> None:
        await child.started.wait()
        try:
            async with asyncio.timeout(self._ready_timeout_s):
                while child.spec.ready is not None and not await child.spec.ready():  # noqa: ASYNC110 - what is awaited is another process
                    await asyncio.sleep(_PROBE_INTERVAL_S)
        except TimeoutError:
            self._fail(f"{child.spec.name} was not ready after {self._ready_timeout_s:.0f} s. {child.story()}")
        else:
            child.ready.set()

    async def _announce(self, when_ready: Callable[[], Awaitable[None]] | None) -> None:
        for child in self._children.values():
            await child.ready.wait()
        if when_ready is not None:
            await when_ready()

    async def _watch(self) -> None:
        while (reason := self._failure()) is None:  # noqa: ASYNC110 - what is awaited is another process
            await asyncio.sleep(_WATCH_INTERVAL_S)
        self._fail(reason)

    async def _stop_child(self, child: _Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        if not self._hurry.is_set():
            process.terminate()
            ended = asyncio.create_task(process.wait())
            hurried = asyncio.create_task(self._hurry.wait())
            await asyncio.wait((ended, hurried), timeout=self._stop_timeout_s, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
        if process.returncode is None:
            if not self._hurry.is_set():
                self._tell(f"{child.spec.name} did not stop in {self._stop_timeout_s:.0f} s and is killed")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@contextlib.contextmanager
def _lifeline() -> Iterator[int]:
    """The reading end of a pipe whose only writing end is ours: it closes when we end, however we end."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > _LONGEST_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest
