"""Filters over transactions, their anomalies and the prices of energy: the condition, and which entities it keeps."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ampyard.domain.anomalies import AnomalyKind, Resolution
from ampyard.domain.authorization import AuthorizedBy
from ampyard.domain.transactions import ChargingState, StopReason
from tests.busy import NOW
from tests.schema.graph import id_of

Known = dict[str, Any]
Keep = Callable[[Any], bool]
HOUR = timedelta(hours=1)
LATER = (NOW + HOUR).isoformat()

# tests/days/transactions.py: what it has made of these.
_ANOMALOUS = {"tx-5", "tx-9"}
_CORRECTED = {"tx-1", "tx-7"}

_TRANSACTIONS: list[tuple[Callable[[Known], dict[str, object]], Callable[[Known], Keep]]] = [
    (lambda e: {"evseId": id_of(e["evse"])}, lambda e: lambda t: t.evse_id == e["evse"].id),
    (lambda e: {"vehicleGroupId": id_of(e["group"])}, lambda e: lambda t: t.vehicle_id in e["in group"]),
    (lambda _: {"idTag": "tag-1"}, lambda _: lambda t: t.id_tag in {"TAG-1", "tag-1"}),
    (lambda _: {"idTag": "TAG-%"}, lambda _: lambda _t: False),
    (lambda _: {"chargingState": "CHARGING"}, lambda _: lambda t: t.charging_state is ChargingState.CHARGING),
    (lambda _: {"stopReason": "EV_DISCONNECTED"}, lambda _: lambda t: t.stop_reason == StopReason.EV_DISCONNECTED),
    (lambda _: {"stopReason": "ABANDONED"}, lambda _: lambda _t: False),
    (lambda _: {"authorizedBy": "ID_TAG"}, lambda _: lambda t: t.authorized_by is AuthorizedBy.ID_TAG),
    (
        lambda e: {"endedFrom": e["tx-5"].ended_at.isoformat()},
        lambda e: lambda t: t.ended_at is not None and t.ended_at >= e["tx-5"].ended_at,
    ),
    (lambda e: {"endedTo": e["tx-5"].ended_at.isoformat()}, lambda e: lambda t: t.ended_at is not None and t.ended_at < e["tx-5"].ended_at),
    (lambda _: {"endedTo": LATER}, lambda _: lambda t: t.ended_at is not None),
    (lambda e: {"energyFromWh": e["tx-3"].energy_wh}, lambda e: lambda t: t.energy_wh >= e["tx-3"].energy_wh),
    (lambda e: {"energyToWh": e["tx-3"].energy_wh}, lambda e: lambda t: t.energy_wh < e["tx-3"].energy_wh),
    (lambda _: {"costFrom": "0.5"}, lambda _: lambda t: t.cost_amount is not None and t.cost_amount >= Decimal("0.5")),
    (lambda _: {"costTo": "0.5"}, lambda _: lambda t: t.cost_amount is not None and t.cost_amount < Decimal("0.5")),
    (lambda _: {"anomalous": True}, lambda _: lambda t: t.ocpp_transaction_id in _ANOMALOUS),
    (lambda _: {"anomalous": False}, lambda _: lambda t: t.ocpp_transaction_id not in _ANOMALOUS),
    (lambda _: {"billable": True}, lambda _: lambda t: t.ocpp_transaction_id not in _ANOMALOUS),
    (lambda _: {"billable": False, "state": "ENDED"}, lambda _: lambda t: t.ocpp_transaction_id == "tx-5"),
    (lambda _: {"corrected": True}, lambda _: lambda t: t.ocpp_transaction_id in _CORRECTED),
    (lambda _: {"corrected": False}, lambda _: lambda t: t.ocpp_transaction_id not in _CORRECTED),
]

_ANOMALIES: list[tuple[Callable[[Known], dict[str, object]], Callable[[Known], Keep]]] = [
    (lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda a: a.depot_id == e["North"].id),
    (lambda e: {"chargePointId": id_of(e["CP-3"])}, lambda e: lambda a: a.charge_point_id == e["CP-3"].id),
    (lambda e: {"transactionId": id_of(e["tx-5"])}, lambda e: lambda a: a.transaction_id == e["tx-5"].id),
    (lambda _: {"kind": "UNKNOWN_END"}, lambda _: lambda a: a.kind is AnomalyKind.UNKNOWN_END),
    (lambda _: {"resolved": True}, lambda _: lambda a: a.resolution is not None),
    (lambda _: {"resolved": False}, lambda _: lambda a: a.resolution is None),
    (lambda _: {"resolution": "ACCEPT_AS_MEASURED"}, lambda _: lambda a: a.resolution is Resolution.ACCEPT_AS_MEASURED),
    (lambda _: {"detectedFrom": LATER}, lambda _: lambda _a: False),
    (lambda _: {"detectedTo": LATER}, lambda _: lambda _a: True),
]

_PRICES: list[tuple[Callable[[Known], dict[str, object]], Callable[[Known], Keep]]] = [
    (lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda p: p.depot_id == e["North"].id),
]

FILTERS = [
    *(("transactions", condition, keep) for condition, keep in _TRANSACTIONS),
    *(("anomalies", condition, keep) for condition, keep in _ANOMALIES),
    *(("energyPrices", condition, keep) for condition, keep in _PRICES),
]
