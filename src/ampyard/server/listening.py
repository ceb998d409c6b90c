"""The HTTP server of the api process."""

import socket

import uvicorn


class ApiServer(uvicorn.Server):
    """Uvicorn, which also lets go of clients that take nothing.

    What the application does not send any more waits in the transport, and closing that waits for the client: a response that nobody
    reads would be kept until the client goes. So the system breaks connections off on which it could deliver nothing for `stalled_s`
    seconds (TCP_USER_TIMEOUT of Linux, which also counts while the peer's window is closed; elsewhere there is no such option).
    """

    def __init__(self, config: uvicorn.Config, *, stalled_s: float = 30.0) -> None:
        super().__init__(config)
        self._stalled_ms = int(stalled_s * 1000)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; connections inherit the option of the socket that accepts them."""
        await super().startup(sockets)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            for listening in [listening for server in self.servers for listening in server.sockets]:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._stalled_ms)
