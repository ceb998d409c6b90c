"""The tables, by what they are about."""

from ampyard.repositories.tables.access import answered_request, app_user, resource_group, resource_group_member, role_grant
from ampyard.repositories.tables.administration import api_key, audit_record, ocpi_credential, ocpi_party, outbox, report
from ampyard.repositories.tables.alerts import (
    alert,
    alert_change,
    alert_condition,
    alert_rule,
    notification_channel,
    notification_delivery,
    notification_item,
    notification_route,
)
from ampyard.repositories.tables.allocation import allocation, power_step
from ampyard.repositories.tables.base import metadata, tenant
from ampyard.repositories.tables.charge_points import (
    charge_point_fault,
    charge_point_template,
    charge_point_variable,
    evse_availability,
    firmware_status,
    planned_downtime,
)
from ampyard.repositories.tables.charging import command, meter_sample, ocpp_transaction_seq, priority, transaction
from ampyard.repositories.tables.charging_profiles import charging_limit, schedule_check
from ampyard.repositories.tables.charging_requests import charging_request, depot_link, depot_link_message
from ampyard.repositories.tables.dispatch import assignment, block, readiness_record
from ampyard.repositories.tables.fleet import charge_point, connector, depot, evse, power_node
from ampyard.repositories.tables.governance import feature_flag, impersonation, job_run, tenant_settings
from ampyard.repositories.tables.grid import grid_link, grid_message, grid_price, grid_signal
from ampyard.repositories.tables.planning import depot_plan, planned_stay
from ampyard.repositories.tables.reservations import reservation, reservation_number_seq
from ampyard.repositories.tables.rollups import charge_point_rollup, depot_rollup, node_rollup, rollup_change, vehicle_rollup
from ampyard.repositories.tables.supply import limit_exception, node_load, site_meter, site_meter_reading
from ampyard.repositories.tables.transactions import energy_interval, energy_price, transaction_anomaly, transaction_correction
from ampyard.repositories.tables.vehicles import (
    id_tag,
    state_of_charge,
    unknown_identification,
    vehicle,
    vehicle_group,
    vehicle_group_member,
    vehicle_type,
)

__all__ = [
    "alert",
    "alert_change",
    "alert_condition",
    "alert_rule",
    "allocation",
    "answered_request",
    "api_key",
    "app_user",
    "assignment",
    "audit_record",
    "block",
    "charge_point",
    "charge_point_fault",
    "charge_point_rollup",
    "charge_point_template",
    "charge_point_variable",
    "charging_limit",
    "charging_request",
    "command",
    "connector",
    "depot",
    "depot_link",
    "depot_link_message",
    "depot_plan",
    "depot_rollup",
    "energy_interval",
    "energy_price",
    "evse",
    "evse_availability",
    "feature_flag",
    "firmware_status",
    "grid_link",
    "grid_message",
    "grid_price",
    "grid_signal",
    "id_tag",
    "impersonation",
    "job_run",
    "limit_exception",
    "metadata",
    "meter_sample",
    "node_load",
    "node_rollup",
    "notification_channel",
    "notification_delivery",
    "notification_item",
    "notification_route",
    "ocpi_credential",
    "ocpi_party",
    "ocpp_transaction_seq",
    "outbox",
    "planned_downtime",
    "planned_stay",
    "power_node",
    "power_step",
    "priority",
    "readiness_record",
    "report",
    "reservation",
    "reservation_number_seq",
    "resource_group",
    "resource_group_member",
    "role_grant",
    "rollup_change",
    "schedule_check",
    "site_meter",
    "site_meter_reading",
    "state_of_charge",
    "tenant",
    "tenant_settings",
    "transaction",
    "transaction_anomaly",
    "transaction_correction",
    "unknown_identification",
    "vehicle",
    "vehicle_group",
    "vehicle_group_member",
    "vehicle_rollup",
    "vehicle_type",
]
