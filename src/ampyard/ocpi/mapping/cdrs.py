"""CDRs in either version. What 2.2.1 cannot say is which taxes are in the costs, and connectors it has no name for."""

from typing import Any, get_args

from ampyard.domain.roaming.cdrs import Cdr, CdrLocation, SignedData
from ampyard.ocpi.mapping.periods import cdr_token_object, period_objects
from ampyard.ocpi.mapping.prices import PRICE
from ampyard.ocpi.mapping.tariffs import tariff_object
from ampyard.ocpi.mapping.texts import NOT_AVAILABLE, coordinates, fit, fit_or_none
from ampyard.ocpi.v2_2_1.locations import ConnectorType
from ampyard.ocpi.wire.types import format_date_time

_CONNECTORS_2_2_1 = frozenset(get_args(ConnectorType))


def cdr_object(cdr: Cdr, version: str) -> dict[str, Any]:
    """Return a CDR (10.3.1) of a version, as JSON values."""
    price, totals = PRICE[version], cdr.totals
    told: dict[str, Any] = {
        "country_code": cdr.country_code,
        "party_id": cdr.party_id,
        "id": str(cdr.id),
        "start_date_time": format_date_time(cdr.start_date_time),
        "end_date_time": format_date_time(cdr.end_date_time),
        "session_id": None if cdr.session_id is None else str(cdr.session_id),
        "cdr_token": cdr_token_object(cdr.cdr_token, version),
        "auth_method": cdr.auth_method.value,
        "authorization_reference": cdr.authorization_reference,
        "cdr_location": location_object(cdr.cdr_location, version),
        "meter_id": fit_or_none(cdr.meter_id, 255),
        "currency": cdr.currency,
        "tariffs": [tariff_object(tariff, version) for tariff in cdr.tariffs] or None,
        "charging_periods": period_objects(cdr.charging_periods),
        "signed_data": None if cdr.signed_data is None else signed_data_object(cdr.signed_data),
        "total_cost": price(totals.total_cost),
        "total_fixed_cost": None if totals.total_fixed_cost is None else price(totals.total_fixed_cost),
        "total_energy": totals.total_energy,
        "total_energy_cost": None if totals.total_energy_cost is None else price(totals.total_energy_cost),
        "total_time": totals.total_time,
        "total_time_cost": None if totals.total_time_cost is None else price(totals.total_time_cost),
        "total_parking_time": totals.total_parking_time,
        "total_parking_cost": None if totals.total_parking_cost is None else price(totals.total_parking_cost),
        "total_reservation_cost": None if totals.total_reservation_cost is None else price(totals.total_reservation_cost),
        "remark": fit_or_none(cdr.remark, 255),
        "invoice_reference_id": cdr.invoice_reference_id,
        "credit": True if cdr.credit else None,
        "credit_reference_id": None if cdr.credit_reference_id is None else str(cdr.credit_reference_id),
        "home_charging_compensation": True if cdr.home_charging_compensation else None,
        "last_updated": format_date_time(cdr.last_updated),
    }
    return {name: value for name, value in told.items() if value is not None}


def location_object(location: CdrLocation, version: str) -> dict[str, Any]:
    told = {
        "id": location.id,
        "name": fit_or_none(location.name, 255),
        "address": fit(location.address, 45),
        "city": fit(location.city, 45),
        "postal_code": fit_or_none(location.postal_code, 10),
        "state": fit_or_none(location.state, 20),
        "country": location.country,
        "coordinates": coordinates(location.latitude, location.longitude),
        "evse_uid": location.evse_uid or NOT_AVAILABLE,
        "evse_id": location.evse_id or NOT_AVAILABLE,
        "connector_id": location.connector_id or NOT_AVAILABLE,
        "connector_standard": _connector_standard(location, version),
        "connector_format": location.connector_format,
        "connector_power_type": location.connector_power_type,
    }
    return {name: value for name, value in told.items() if value is not None}


def _connector_standard(location: CdrLocation, version: str) -> str:
    """Return the ConnectorType: the nearest where 2.2.1 has no name for the plug, for what was charged with it is to be paid for, too."""
    standard = location.connector_standard
    if version != "2.2.1" or standard in _CONNECTORS_2_2_1:
        return standard
    nearest = "IEC_62196_T1" if standard == "SAE_J3400" else "IEC_62196_T2"
    return f"{nearest}_COMBO" if location.connector_power_type == "DC" else nearest


def signed_data_object(data: SignedData) -> dict[str, Any]:
    told = {
        "encoding_method": data.encoding_method,
        "encoding_method_version": data.encoding_method_version,
        "public_key": data.public_key,
        "signed_values": [{"nature": it.nature, "plain_data": it.plain_data, "signed_data": it.signed_data} for it in data.signed_values],
        "url": data.url,
    }
    return {name: value for name, value in told.items() if value is not None}
