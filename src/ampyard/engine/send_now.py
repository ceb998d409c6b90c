"""An ASGI extension of ours: sending to a WebSocket without waiting, for results that go to thousands of clients at once.

`scope["extensions"][SEND_NOW]["sender"](head, tail)` returns a function `send(middle)`: it sends the three, UTF-8, as one text message, and
returns True; or it sends nothing and returns False: the client is behind or gone, and the way round is the usual, awaited `send`. A server
without the extension is as good, only slower.
"""

from collections.abc import Callable
from functools import lru_cache
from struct import pack
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from ampyard.engine.websocket import SEND_NOW

_FINAL_TEXT: Final = 0x81  # RFC 6455, section 5.2


class SendNowProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's own WebSocket protocol with the extension: `uvicorn.Config(ws=SendNowProtocol)`.

    Its frames are never compressed, which a peer that has agreed to permessage-deflate takes just as well (RFC 7692, section 6).
    """

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:  # noqa: PLR2004 - Switching Protocols
            self.scope["extensions"][SEND_NOW] = {"sender": self._sender}

    def _sender(self, head: bytes, tail: bytes) -> Callable[[bytes], bool]:
        around = len(head) + len(tail)
        transport, write, is_writable = self.transport, self.transport.write, self.writable.is_set

        def send(middle: bytes) -> bool:
            if self.close_sent or not is_writable() or transport.is_closing():
                return False
            write(b"".join((_header(around + len(middle)), head, middle, tail)))
            return True

        return send


@lru_cache(maxsize=1024)
def _header(length: int) -> bytes:
    # The lengths of a result for many clients differ only by their ids.
    if length < 126:  # noqa: PLR2004 - RFC 6455, section 5.2
        return pack("!BB", _FINAL_TEXT, length)
    if length < 65_536:  # noqa: PLR2004 - as above
        return pack("!BBH", _FINAL_TEXT, 126, length)
    return pack("!BBQ", _FINAL_TEXT, 127, length)
