"""A server process of ours: started apart from the terminal, waited for, stopped, and never left behind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psutil

from ampyard.server.embedded.home import Account, EmbeddedServersError
from ampyard.server.logfile import open_log, read_tail

_POLL_S = 0.01
# Waits until our end of its standard input closes, as it does however we die, then asks the server to stop.
_GUARD_SCRIPT = 'read -r _; kill -s "$1" "$2"'

StopSteps = Sequence[tuple[signal.Signals, float]]
"""Signals to send in turn until the server is gone, each with the seconds to wait for its effect."""


class Daemon:
    """One server program on one data folder, which is an argument of its command line: that is how a leftover is recognised.

    Args:
        title: the server's name for people.
        argv: the command line.
        folder: its data folder, as written in `argv`.
        stop_steps: how it is stopped.
        log: where its output goes.
    """

    def __init__(self, title: str, argv: Sequence[str], *, folder: Path, stop_steps: StopSteps, log: Path) -> None:
        self._title = title
        self._argv = argv
        self._folder = folder
        self._stop_steps = stop_steps
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, account: Account | None, ready: Callable[[], bool], progress: Callable[[str], None], *, timeout_s: float) -> None:
        """Start the server and wait until `ready`.

        Raises:
            EmbeddedServersError: it ended, or was not ready in time; the message holds the end of its log.
        """
        with open_log(self._log) as log:
            offset_bytes = log.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(  # noqa: S603 - a command line of our own
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone: we decide the order of stopping
                **identity(account),
            )
        self._guard = subprocess.Popen(  # noqa: S603 - a constant script, a signal name and a number
            ["/bin/sh", "-c", _GUARD_SCRIPT, "guard", self._stop_steps[0][0].name.removeprefix("SIG"), str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        started = time.monotonic()
        told = 0
        while not ready():
            if self._process.poll() is not None:
                code = self._process.returncode
                self.stop()
                tail = read_tail(self._log, offset_bytes=offset_bytes)
                raise EmbeddedServersError(f"{self._title} did not start (exit code {code}). Its log, {self._log}, ends:\n{tail}")
            waited_s = time.monotonic() - started
            if waited_s > timeout_s:
                self.stop()
                tail = read_tail(self._log, offset_bytes=offset_bytes)
                raise EmbeddedServersError(f"{self._title} was not ready after {timeout_s:.0f} s. Its log, {self._log}, ends:\n{tail}")
            if waited_s // 5 > told:
                told += 1
                progress(f"Waiting for {self._title} ({waited_s:.0f} s)")
            time.sleep(_POLL_S)

    def ended(self) -> str | None:
        """Why it no longer runs, for people; None while it does, or when it was not started."""
        if self._process is None or self._process.poll() is None:
            return None
        tail = read_tail(self._log)
        return f"{self._title} ended by itself (exit code {self._process.returncode}). Its log, {self._log}, ends:\n{tail}"

    def stop(self) -> None:
        """Stop the server. A KeyboardInterrupt while waiting hurries: the next harsher signal follows at once."""
        if self._process is not None:
            for stop_signal, timeout_s in self._stop_steps:
                self._process.send_signal(stop_signal)
                with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                    self._process.wait(timeout_s)
                if self._process.returncode is not None:
                    break
            self._process = None
        if self._guard is not None:
            # Before its input closes, or it would signal a process id that is no longer the server's.
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def end_leftovers(self, progress: Callable[[str], None]) -> None:
        """End servers on the same folder that a killed run left behind. The caller holds the lock, so they are nobody's."""
        leftovers = self._leftovers()
        for process in leftovers:
            progress(f"Stopping the {self._title} that an earlier run left behind (pid {process.pid})")
        for stop_signal, timeout_s in self._stop_steps:
            for process in leftovers:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(stop_signal)
            deadline = time.monotonic() + timeout_s
            while (leftovers := [process for process in leftovers if _runs(process)]) and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            if not leftovers:
                return
        raise EmbeddedServersError(f"The {self._title} of an earlier run (pid {leftovers[0].pid}) cannot be stopped.")

    def _leftovers(self) -> list[psutil.Process]:
        program = Path(self._argv[0]).name
        found = {
            process.pid: process
            for process in psutil.process_iter(["cmdline", "ppid"])
            if (argv := process.info["cmdline"]) and Path(argv[0]).name == program and str(self._folder) in argv and _runs(process)
        }
        # A worker that was just forked still shows the command line of its parent, and goes with it.
        return [process for process in found.values() if process.info["ppid"] not in found]


def _runs(process: psutil.Process) -> bool:
    # In a container whose first process collects no orphans, a process that has ended stays listed for ever, as a zombie.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def package_folder(name: str) -> Path:
    """Folder of an installed package that carries programs. Not imported: these packages do things when they are."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedServersError(f"The package {name} is not installed. Install the locked requirements again.")
    return Path(spec.origin).parent


def environment() -> dict[str, str]:
    """Our environment without what would change how PostgreSQL's programs speak, connect or count time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]
    umask: int


def identity(account: Account | None) -> _Identity:
    """Arguments of `subprocess` that make a child run as `account`."""
    if account is None:
        return {"umask": 0o077}
    return {"user": account.uid, "group": account.gid, "extra_groups": [], "umask": 0o077}
