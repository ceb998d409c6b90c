"""Everything a charge point wants to say, in order, one call at a time (OCPP-J 1.6 section 4.1.1: no second call before the answer).

Messages about transactions are kept through link loss and restart and sent again unchanged; all others are only worth
sending while the link is up.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from ocpp.charge_point import remove_nones, serialize_as_dict
from ocpp.exceptions import OCPPError

from ampyard.simulator.endpoint import Endpoint
from ampyard.simulator.state import QueuedCall

LOG = logging.getLogger(__name__)
ATTEMPTS = 5
QUEUE_LIMIT = 500
STRAY_ANSWER_S = 1.0
REPEATABLE = {"MeterValues", "TransactionEvent"}

OnAnswer = Callable[[Any | None], None]


@dataclass(frozen=True, slots=True)
class _Ordinary:
    order: int
    payload: Any
    on_answer: OnAnswer | None


class Outbox:
    """The two queues of a charge point.

    Args:
        identity: For log lines.
        queue: The kept queue itself; it is changed in place.
        calls: The ``ocpp`` module with the request classes of the protocol version.
        changed: Called after the kept queue changed, before anything is sent.
        answered: Called with a kept message and its answer; None when it was given up.
        retry_interval_s: Pause before the first repetition of a message that was answered with an error; grows with each.
    """

    def __init__(
        self,
        identity: str,
        queue: list[QueuedCall],
        calls: ModuleType,
        *,
        changed: Callable[[], None],
        answered: Callable[[QueuedCall, Any | None], None],
        retry_interval_s: float,
    ) -> None:
        self._identity = identity
        self._queue = queue
        self._calls = calls
        self._changed = changed
        self._answered = answered
        self._retry_interval_s = retry_interval_s
        self._ordinary: deque[_Ordinary] = deque()
        self._order = max((call.order for call in queue), default=0)
        self._retry_at = 0.0
        self._wake = asyncio.Event()
        self._all_answered = asyncio.Event()
        self._note_whether_answered()
        self._free = asyncio.Event()
        self._free.set()

    async def answer_taken(self) -> None:
        """Wait until an answer that has come in has had its consequences, so that the order behind it finds them."""
        try:
            async with asyncio.timeout(STRAY_ANSWER_S):
                await self._free.wait()
        except TimeoutError:
            LOG.warning("%s: an answer to no question", self._identity)

    async def all_answered(self) -> None:
        """Wait until nothing about a transaction is left to say."""
        await self._all_answered.wait()

    def _note_whether_answered(self) -> None:
        if self._queue:
            self._all_answered.clear()
        else:
            self._all_answered.set()

    def post(self, payload: Any, on_answer: OnAnswer | None = None) -> None:
        """Say something once; ``on_answer`` gets None if it was refused or the link went down first."""
        self._order += 1
        self._ordinary.append(_Ordinary(self._order, payload, on_answer))
        self._wake.set()

    def post_kept(self, payload: Any, transaction_key: str) -> None:
        """Say something about a transaction, for as long as it takes to be answered."""
        self._order += 1
        fields = cast("dict[str, Any]", remove_nones(serialize_as_dict(payload)))
        self._queue.append(QueuedCall(self._order, str(uuid.uuid4()), type(payload).__name__, fields, transaction_key))
        if len(self._queue) > QUEUE_LIMIT:
            self._thin_out()
        self._note_whether_answered()
        self._changed()
        self._wake.set()

    def resolve(self, transaction_key: str, ocpp_transaction_id: int) -> None:
        """Enter the transaction id that the central system gave into the messages that waited for it."""
        for call in self._queue:
            if call.transaction_key == transaction_key:
                call.payload["transaction_id"] = ocpp_transaction_id

    def forget(self, transaction_key: str) -> None:
        """Drop what is left to say about a transaction that the central system never came to know."""
        self._queue[:] = [call for call in self._queue if call.transaction_key != transaction_key]

    def drop_ordinary(self) -> None:
        dropped, self._ordinary = self._ordinary, deque()
        for message in dropped:
            if message.on_answer is not None:
                message.on_answer(None)

    async def deliver(self, endpoint: Endpoint) -> None:
        """Send until the link breaks.

        Raises:
            TimeoutError: A call was not answered in time.
            websockets.ConnectionClosed: The link is gone.
        """
        while True:
            kept = self._queue[0] if self._queue and time.monotonic() >= self._retry_at else None
            ordinary = self._ordinary[0] if self._ordinary else None
            if kept is None and ordinary is None:
                await self._wait()
                continue
            self._free.clear()
            try:
                if kept is not None and (ordinary is None or kept.order < ordinary.order):
                    await self._send_kept(endpoint, kept)
                elif ordinary is not None:
                    await self._send_ordinary(endpoint, ordinary)
            finally:
                self._free.set()

    async def _wait(self) -> None:
        self._wake.clear()
        pause_s = self._retry_at - time.monotonic() if self._queue else None
        try:
            async with asyncio.timeout(None if pause_s is None else max(0.0, pause_s)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_ordinary(self, endpoint: Endpoint, message: _Ordinary) -> None:
        try:
            answer = await endpoint.call(message.payload)
        except OCPPError as error:
            LOG.warning("%s: %s was refused: %s", self._identity, type(message.payload).__name__, error)
            answer = None
        self._ordinary.popleft()
        if message.on_answer is not None:
            message.on_answer(answer)

    async def _send_kept(self, endpoint: Endpoint, call: QueuedCall) -> None:
        payload = getattr(self._calls, call.action)(**call.payload)
        try:
            answer = await endpoint.call(payload, unique_id=call.unique_id)
        except OCPPError as error:
            call.attempts += 1
            LOG.warning("%s: %s was refused (attempt %d of %d): %s", self._identity, call.action, call.attempts, ATTEMPTS, error)
            if call.attempts < ATTEMPTS:
                # OCPP 1.6 section 3.7.1: the interval grows with the number of attempts made
                self._retry_at = time.monotonic() + self._retry_interval_s * call.attempts
                self._changed()
                return
            answer = None
        self._queue.remove(call)
        self._answered(call, answer)
        self._note_whether_answered()
        self._changed()

    def _thin_out(self) -> None:
        """Drop every second periodic sample (OCPP 2.0.1 E04.FR.07 and .08: intermediate ones first) when the flash is nearly full."""
        samples = [call for call in self._queue[1:] if call.action in REPEATABLE and call.payload.get("event_type", "Updated") == "Updated"]
        dropped = {call.unique_id for call in samples[1::2]}
        self._queue[:] = [call for call in self._queue if call.unique_id not in dropped]
        LOG.warning("%s: queue full, %d periodic samples dropped", self._identity, len(dropped))
