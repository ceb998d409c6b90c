"""Every message of a link, both ways, as it was on the wire; written beside the conversation, so that it never waits."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from ampyard.domain.depot_links import LinkMessage, MessageDirection
from ampyard.domain.ids import new_id
from ampyard.services.backend import Backend
from ampyard.services.depot_link_sockets import LinkedSystem, keep_messages
from ampyard.vdv463.wire.framing import Message

_log = logging.getLogger(__name__)

_GATHERED_S = 0.2


class MessageLog:
    """The messages of one socket. Credentials are in its handshake alone, which is no message."""

    def __init__(self, backend: Backend, system: LinkedSystem, *, kept_characters: int, clock: Callable[[], datetime]) -> None:
        self._backend = backend
        self._system = system
        self._kept_characters = kept_characters
        self._clock = clock
        self._waiting: list[LinkMessage] = []
        self._arrived = asyncio.Event()

    def note(self, direction: MessageDirection, text: str, message: Message | None) -> None:
        """Have a message kept; `message` is what could be read of it."""
        kept = LinkMessage(
            id=new_id(),
            tenant_id=self._system.tenant_id,
            link_id=self._system.link_id,
            at=self._clock(),
            direction=direction,
            message_type=None if message is None else int(message.type),
            action=None if message is None else message.action,
            message_id=None if message is None else message.message_id,
            # PostgreSQL text holds no NUL.
            body=text[: self._kept_characters].replace("\0", "\N{REPLACEMENT CHARACTER}"),
            length=len(text),
        )
        self._waiting.append(kept)
        self._arrived.set()

    async def run(self) -> None:
        """Write what is noted, until cancelled; what has not been written by then is written first."""
        try:
            while True:
                await self._arrived.wait()
                await asyncio.sleep(_GATHERED_S)
                await self._write()
        finally:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._write())

    async def _write(self) -> None:
        self._arrived.clear()
        messages, self._waiting = self._waiting, []
        if not messages:
            return
        try:
            await keep_messages(self._backend, self._system.tenant_id, messages)
        except Exception:  # noqa: BLE001 - what was said is not worth the conversation
            _log.exception("%s: %d messages could not be kept.", self._system.identity, len(messages))
