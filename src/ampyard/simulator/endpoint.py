import asyncio
from typing import Any


class Endpoint:
    """One connection's ``ocpp.ChargePoint``: requests are dataclasses of the ``call`` module, answers those of ``call_result``."""

    def __init__(self, ocpp_charge_point: Any) -> None:
        self._ocpp = ocpp_charge_point

    async def route_message(self, frame: str) -> None:
        await self._ocpp.route_message(frame)

    async def call(self, payload: Any, unique_id: str | None = None) -> Any:
        """Send a request and return its answer.

        Raises:
            ocpp.exceptions.OCPPError: It was answered with an error, or the answer is not valid.
            TimeoutError: It was not answered in time.
        """
        answer = await self._ocpp.call(payload, suppress=False, unique_id=unique_id)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # before Python 3.12 asyncio.wait_for, which waits for the answer, loses a cancellation that meets it
            raise asyncio.CancelledError
        return answer
