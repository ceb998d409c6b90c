"""The data folder: who may use it now, and as which system user its servers run."""

import errno
import fcntl
import grp
import os
import pwd
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

SYSTEM_USER = "ampyard"
# macOS has room for 103 bytes in a Unix socket address, Linux for 107.
_LONGEST_SOCKET_PATH = 103


class EmbeddedServersError(RuntimeError):
    """The servers cannot run here; the text says what to do and is made to be shown as it is."""


class HomeInUseError(EmbeddedServersError):
    pass


class PortTakenError(EmbeddedServersError):
    pass


def ensure_port_free(port: int, *, host: str = "127.0.0.1", setting: str = "AMPYARD_PORT", patience_s: float = 2) -> None:
    """Raise `PortTakenError` when nothing could listen on `host:port`; `setting` is what the message tells to change.

    Raises `EmbeddedServersError` when `host` is no address of this machine.

    Waits for `patience_s`: the processes of a killed run need a moment to notice and let go of their ports.
    """
    deadline = time.monotonic() + patience_s
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                # On Linux two sockets may be bound with SO_REUSEADDR as long as neither listens.
                probe.listen()
            except PermissionError as error:
                raise PortTakenError(f"Port {port} may not be used by this user. Set {setting} to a port above 1023.") from error
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                    raise EmbeddedServersError(f"{host!r} is no address of this machine. Set AMPYARD_HOST to one that is.") from error
                if time.monotonic() >= deadline:
                    raise PortTakenError(f"Port {port} is taken by another program. Stop it, or set {setting} to a free port.") from error
            else:
                return
        time.sleep(0.1)


class HomeLock:
    """An exclusive claim on a data folder; the kernel drops it when the holder dies, however it dies."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self) -> None:
        if self._file is not None:
            return
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() != 0 and self._home.stat().st_uid == os.geteuid():
                self._home.chmod(0o700)
            file = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedServersError(
                f"{self._home} cannot be used as the data folder ({error.strerror}). Set AMPYARD_HOME to a folder of your own."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise HomeInUseError(
                f"Ampyard already runs on {self._home} (pid {holder}). Stop it, or set AMPYARD_HOME to another folder."
            ) from None
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        # The file stays: to remove it would let two starters lock two files of the same name.
        if self._file is not None:
            os.close(self._file)
            self._file = None


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that servers run as, where that is not ourselves."""

    uid: int
    gid: int


def account_for(home: Path, data_folders: tuple[Path, ...], programs: tuple[Path, ...], progress: Callable[[str], None]) -> Account | None:
    """As root: the user the servers run as, able to reach its data and programs. PostgreSQL refuses to run as root.

    The folder keeps the owner it got first. Folders above it that only their owner may pass get the execute (pass through) bit for others,
    which shows nothing of what is inside; each such change is told through `progress`.

    Args:
        home: the data folder, existing.
        data_folders: folders of the servers inside `home`; made here when missing.
        programs: installation folders of the servers.
        progress: told what happens, a sentence at a time.
    """
    if os.geteuid() != 0:
        for folder in data_folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        return None
    owner = next((folder.stat().st_uid for folder in data_folders if folder.exists()), 0)
    entry = _system_user(progress) if owner == 0 else pwd.getpwuid(owner)
    account = Account(entry.pw_uid, entry.pw_gid)
    for folder in data_folders:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, account.uid, account.gid)
    if home.stat().st_uid == 0:
        os.chown(home, 0, account.gid)
        home.chmod(0o710)
    for folder in (home, *programs):
        for parent in reversed(folder.parents):
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH and parent.stat().st_uid != account.uid:
                progress(f"Letting the user {entry.pw_name} pass through {parent} (PostgreSQL does not run as root)")
                parent.chmod(mode | stat.S_IXOTH)
    for folder in programs:
        _make_readable(folder)
    return account


def _system_user(progress: Callable[[str], None]) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    hint = "Start as a normal user instead, or set AMPYARD_DATABASE_URL and AMPYARD_REDIS_URL to servers of your own."
    if useradd is None:
        raise EmbeddedServersError(f"PostgreSQL does not run as root, and there is no useradd to make a user for it. {hint}")
    progress(f"Making the system user {SYSTEM_USER} (PostgreSQL does not run as root)")
    group = ["--gid", SYSTEM_USER] if any(entry.gr_name == SYSTEM_USER for entry in grp.getgrall()) else ["--user-group"]
    made = subprocess.run(  # noqa: S603 - a command line of constants
        [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", *group, SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise EmbeddedServersError(
            f"PostgreSQL does not run as root, and useradd made no user for it: {made.stderr.strip()}. {hint}"
        ) from None


def _make_readable(folder: Path) -> None:
    """Let others read an installation made under a umask like 077."""
    if folder.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH) == stat.S_IROTH | stat.S_IXOTH:
        return
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def socket_folder(folder: Path, longest_name: str) -> Path:
    """Where the sockets of `folder` are: in it, or, where that path is too long for a socket address, in one made for it in /tmp."""
    if len(os.fsencode(folder / longest_name)) <= _LONGEST_SOCKET_PATH:
        return folder
    # Not tempfile.gettempdir(): every process must find the same folder, whatever its TMPDIR.
    return Path("/tmp") / f"ampyard-{sha256(os.fsencode(folder)).hexdigest()[:24]}"  # noqa: S108 - see claim_socket_folder


def claim_socket_folder(folder: Path, account: Account | None) -> None:
    """Make `folder` ours alone; a folder of that name that somebody else made is refused, never used."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    uid, gid = (os.geteuid(), os.getegid()) if account is None else (account.uid, account.gid)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {uid, os.geteuid()}:
        raise EmbeddedServersError(f"{folder} belongs to somebody else. Set AMPYARD_HOME to a folder with a shorter path.")
    os.chown(folder, uid, gid)
    folder.chmod(0o700)
