"""Programs for Node: those of this folder, and those of the packages that package-lock.json names."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
_PATIENCE_S = 60.0
# No colours; and nothing that a tool tells its maker, or asks there.
_QUIET = {"NO_COLOR": "1", "APOLLO_TELEMETRY_DISABLED": "1", "COSMO_TELEMETRY_DISABLED": "true", "DISABLE_UPDATE_CHECK": "true"}
_END_S = 10.0


class Node:
    """Runs scripts with the Node of the lock; paths are relative to this folder, as in `node_modules/wgc/dist/src/index.js`."""

    def __init__(self, executable: Path) -> None:
        self._executable = executable
        # Scripts that start others find the same Node.
        path = {"PATH": f"{executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        self._environment = os.environ | path | _QUIET

    async def run(self, script: str, *arguments: str, stdin: str = "", cwd: Path = FOLDER, timeout_s: float = _PATIENCE_S) -> str:
        """Run a script to its end and return what it wrote to stdout; the test fails where the script does, or takes too long."""
        process = await asyncio.create_subprocess_exec(
            self._executable,
            FOLDER / script,
            *arguments,
            cwd=cwd,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            process.kill()
            out, err = await process.communicate()
            pytest.fail(f"{script} did not end within {timeout_s} s.\n{out.decode()}\n{err.decode()}", pytrace=False)
        if process.returncode:
            pytest.fail(f"{script} ended with {process.returncode}.\n{out.decode()}\n{err.decode()}", pytrace=False)
        return out.decode()

    async def json(self, script: str, request: object = None, *, timeout_s: float = _PATIENCE_S) -> Any:
        """Run a script that reads JSON from stdin and writes JSON to stdout."""
        return json.loads(await self.run(script, stdin=json.dumps(request), timeout_s=timeout_s))

    @asynccontextmanager
    async def serving(self, script: str, *arguments: str, cwd: Path = FOLDER, timeout_s: float = _PATIENCE_S) -> AsyncIterator[str]:
        """Run a script that serves until it is ended; yields the first line that it writes to stdout, such as its address.

        What it writes to stderr goes to ours.
        """
        process = await asyncio.create_subprocess_exec(
            self._executable, FOLDER / script, *arguments, cwd=cwd, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        reading: asyncio.Task[bytes] | None = None
        try:
            async with asyncio.timeout(timeout_s):
                line = await process.stdout.readline()
            assert line, f"{script} ended before it served."
            reading = asyncio.create_task(process.stdout.read())  # a full pipe would stop it
            yield line.decode().strip()
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(_END_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            if reading is not None:
                await reading
