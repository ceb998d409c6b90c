"""Sessions in either version; what 2.2.1 cannot say is which taxes are in the cost."""

from typing import Any

from ampyard.domain.roaming.sessions import ChargingPreferences, Session
from ampyard.domain.roaming.tokens import ProfileType
from ampyard.ocpi.mapping.periods import cdr_token_object, period_objects
from ampyard.ocpi.mapping.prices import PRICE
from ampyard.ocpi.mapping.texts import NOT_AVAILABLE, fit_or_none
from ampyard.ocpi.wire import sessions as wire
from ampyard.ocpi.wire.types import format_date_time


def session_object(session: Session, version: str) -> dict[str, Any]:
    """Return a Session (9.3.1) of a version, as JSON values."""
    told: dict[str, Any] = {
        "country_code": session.country_code,
        "party_id": session.party_id,
        "id": str(session.id),
        "start_date_time": format_date_time(session.start_date_time),
        "end_date_time": None if session.end_date_time is None else format_date_time(session.end_date_time),
        "kwh": session.kwh,
        "cdr_token": cdr_token_object(session.cdr_token, version),
        "auth_method": session.auth_method.value,
        "authorization_reference": session.authorization_reference,
        "location_id": str(session.depot_id),
        "evse_uid": NOT_AVAILABLE if session.evse_uid is None else str(session.evse_uid),
        "connector_id": session.connector_id or NOT_AVAILABLE,
        "meter_id": fit_or_none(session.meter_id, 255),
        "currency": session.currency,
        "charging_periods": period_objects(session.charging_periods) or None,
        "total_cost": None if session.total_cost is None else PRICE[version](session.total_cost),
        "status": session.status.value,
        "last_updated": format_date_time(session.last_updated),
    }
    return {name: value for name, value in told.items() if value is not None}


def read_charging_preferences(told: wire.ChargingPreferences) -> ChargingPreferences:
    """Return what ChargingPreferences (9.3.2) say; whoever does not say so does not want to be discharged."""
    return ChargingPreferences(ProfileType(told.profile_type), told.departure_time, told.energy_need, told.discharge_allowed is True)
