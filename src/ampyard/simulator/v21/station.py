"""The ``ocpp`` package's charging station of 2.1, which leaves what it has no handler for unanswered, made to answer."""

from typing import Any

from ocpp.exceptions import NotImplementedError as NotImplementedHereError
from ocpp.exceptions import NotSupportedError
from ocpp.v21 import ChargePoint
from ocpp.v21.enums import Action


class Station(ChargePoint):
    async def _handle_call(self, msg: Any) -> None:
        if msg.action in self.route_map:
            await super()._handle_call(msg)  # type: ignore[no-untyped-call]  # the package has no annotations there
            return
        # Part 4, table of error codes: an action of the protocol that is not supported here, or one that is not known at all.
        error = NotSupportedError() if msg.action in set(Action) else NotImplementedHereError()
        await self._send(msg.create_call_error(error).to_json())  # type: ignore[no-untyped-call]  # same
