"""The connect process."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ampyard.connect.app import connect_app
from ampyard.connect.options import ConnectOptions
from ampyard.connect.sockets import Sockets
from ampyard.services.backend import Backend

_PING_S = 20.0


class ConnectServer(uvicorn.Server):
    """An HTTP server that says goodbye: before it stops, charge points get a close frame and are recorded as disconnected."""

    def __init__(self, backend: Backend, host: str, port: int, options: ConnectOptions) -> None:
        self.sockets = Sockets()
        self._options = options
        config = uvicorn.Config(
            connect_app(backend, sockets=self.sockets, options=options),
            host=host,
            port=port,
            ws="websockets-sansio",
            ws_max_size=options.max_message_bytes,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, close those there are with 1001, then stop."""
        for server in self.servers:
            server.close()
        await self.sockets.drain(self._options.drain_timeout_s)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `run_connect`: uvicorn raises them again once it has stopped, which would end the process too early."""
        yield


def _is_no_refusal(record: logging.LogRecord) -> bool:
    # uvicorn's websockets-sansio logs this as an error after every handshake that was answered with an HTTP status, as a wrong password is.
    return record.msg != "ASGI callable returned without completing handshake."


async def run_connect(backend: Backend, host: str, port: int, *, options: ConnectOptions | None = None) -> None:
    """Serve charge points until SIGTERM or SIGINT; returns when all sockets are closed and recorded, within about five seconds."""
    server = ConnectServer(backend, host, port, options or ConnectOptions())
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, server.handle_exit, number, None)
    try:
        await server.serve()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
