"""Log files of the processes we start."""

import os
from pathlib import Path
from typing import BinaryIO

_ROTATE_AT_BYTES = 16 * 1024 * 1024


def open_log(path: Path) -> BinaryIO:
    """Open a log for appending, private to its owner; one that has grown large is first moved to `<name>.1`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _ROTATE_AT_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab", buffering=0)


def read_tail(path: Path, *, lines: int = 20, offset_bytes: int = 0) -> str:
    """The last `lines` lines of what was written to a log after `offset_bytes`."""
    try:
        with path.open("rb") as log:
            log.seek(max(offset_bytes, path.stat().st_size - 64 * 1024))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
