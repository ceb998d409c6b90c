"""Live updates: each event of the tenant that fits is loaded afresh and shown.

What is wrong with a request is said at once, before there is a stream: these are functions that return one.
"""

from ampyard.resolvers.subscriptions.alerts import alert_raised, alert_updated, job_run_updated, notification_delivery_updated
from ampyard.resolvers.subscriptions.charging import (
    allocation_changed,
    anomaly_changed,
    charging_request_changed,
    priority_changed,
    transaction_updated,
    unknown_identification_seen,
)
from ampyard.resolvers.subscriptions.depots import depot_power, depot_updated, dispatch_changed, plan_made, readiness_changed
from ampyard.resolvers.subscriptions.fleet import (
    charge_point_updated,
    command_updated,
    fault_updated,
    reservation_changed,
    vehicle_updated,
)

__all__ = [
    "alert_raised",
    "alert_updated",
    "allocation_changed",
    "anomaly_changed",
    "charge_point_updated",
    "charging_request_changed",
    "command_updated",
    "depot_power",
    "depot_updated",
    "dispatch_changed",
    "fault_updated",
    "job_run_updated",
    "notification_delivery_updated",
    "plan_made",
    "priority_changed",
    "readiness_changed",
    "reservation_changed",
    "transaction_updated",
    "unknown_identification_seen",
    "vehicle_updated",
]
