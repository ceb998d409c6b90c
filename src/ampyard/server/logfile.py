"""Log files of the processes we start."""

import os
from pathlib import Path
from typing import BinaryIO

_ROTATE_AT_BYTES = 16 * 1024 * 1024


def open_log(path: Path, *, rotate_at_bytes: int = _ROTATE_AT_BYTES) -> BinaryIO:
    """Open a log for appending, private to its owner; one that has grown large is first moved to `<name>.1`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > rotate_at_bytes:
        path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab", buffering=0)


class Log:
    """A log that we write ourselves, line by line: it is moved to `<name>.1` when it has grown large, and begun anew."""

    def __init__(self, path: Path, *, rotate_at_bytes: int = _ROTATE_AT_BYTES) -> None:
        self._path = path
        self._rotate_at_bytes = rotate_at_bytes
        self._file = open_log(path, rotate_at_bytes=rotate_at_bytes)

    def write(self, line: bytes) -> None:
        """Append `line`, at once visible to readers."""
        if self._file.tell() > self._rotate_at_bytes:
            fresh = open_log(self._path, rotate_at_bytes=self._rotate_at_bytes)
            self._file.close()
            self._file = fresh
        self._file.write(line)

    def close(self) -> None:
        self._file.close()


def read_tail(path: Path, *, lines: int = 20, offset_bytes: int = 0) -> str:
    """The last `lines` lines of what was written to a log after `offset_bytes`."""
    try:
        with path.open("rb") as log:
            log.seek(max(offset_bytes, path.stat().st_size - 64 * 1024))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
