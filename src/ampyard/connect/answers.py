"""What a charge point's answer to a command means, whatever the protocol version."""

from collections.abc import Sequence
from dataclasses import dataclass

from ampyard.domain.commands import CommandState
from ampyard.domain.variables import ReportedVariable
from ampyard.services.schedule_checks import CompositeSchedule

# Words with which charge points take an order on; all others refuse it. Scheduled: once transactions have ended. RebootRequired:
# from the next start on. AcceptedCanceled: in place of an earlier one (UpdateFirmwareStatusEnumType of OCPP 2.0.1).
_TAKEN = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The charge point's word on an order, what it adds to it, and the variables or the composite schedule it tells with it."""

    status: str
    detail: str = ""
    variables: Sequence[ReportedVariable] = ()
    schedule: CompositeSchedule | None = None

    @property
    def state(self) -> CommandState:
        """How the command has ended."""
        return CommandState.ACCEPTED if self.status in _TAKEN else CommandState.REJECTED

    @property
    def outcome(self) -> str:
        """The answer in words."""
        return f"{self.status}: {self.detail}" if self.detail else self.status
