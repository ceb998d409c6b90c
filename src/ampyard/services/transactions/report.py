"""What a charge point's message says of a transaction, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.id_tags import Authorization, IdTagKind
from ampyard.domain.transactions import ChargingState, Reading, Transaction


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says of a transaction. `None` means that the message does not say.

    `ocpp_transaction_id` is `None` only for a 1.6 start, where we make it. `register_wh` is the meter at `at`. `begins`: the
    message is the start itself, not an update or end of a transaction whose start may have been lost. `offline`: the charge
    point was off the line at `at`. `nobody`: it was started without anybody being asked for.
    """

    at: datetime
    evse_no: int | None = None
    connector_no: int | None = None
    ocpp_transaction_id: str | None = None
    id_tag: str | None = None
    register_wh: float | None = None
    charging_state: ChargingState | None = None
    seq_no: int | None = None
    stop_reason: str | None = None
    readings: Sequence[Reading] = ()
    begins: bool = True
    offline: bool = False
    nobody: bool = False
    id_tag_kind: IdTagKind | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report, and what to tell the charge point of the id tag (`None`: it named none)."""

    transaction: Transaction
    authorization: Authorization | None
