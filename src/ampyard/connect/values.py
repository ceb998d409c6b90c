"""Values as all protocol versions write them."""

import logging
import math
from datetime import UTC, datetime
from typing import Any

from ampyard.domain.charging_profiles import Profile, RateUnit
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.transactions import Measurand, Reading

_log = logging.getLogger(__name__)

# One profile of each purpose per EVSE: setting it again replaces it (OCPP 1.6, 3.13.2; 2.0.1 part 2, K01).
_DEFAULT_PROFILES = 1_000
_TX_PROFILES = 2_000


def parse_timestamp(text: str) -> datetime:
    """Return an RFC 3339 date-time in UTC; one without a zone is taken as UTC (OCPP 1.6, Time notations: UTC is recommended).

    Raises `InvalidInputError` for anything else: the schemas do not check it.
    """
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"{text!r} is no date and time as in RFC 3339.") from error


def format_timestamp(moment: datetime) -> str:
    """Return a UTC date-time as charge points read it best: milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_reading(
    at: datetime,
    value: str | float,
    *,
    multiplier: int,
    measurand: str | None,
    unit: str | None,
    phase: str | None,
    location: str | None,
    context: str | None,
) -> Reading | None:
    """Return a sampled value with the protocol's defaults filled in, or `None` where it is no finite number.

    Defaults: OCPP 1.6, 7.43 SampledValue; OCPP 2.0.1 part 2, SampledValueType and UnitOfMeasureType. `multiplier` is the
    exponent to base 10.
    """
    measurand = measurand or Measurand.ENERGY_REGISTER
    try:
        number = float(value) / 10.0**-multiplier if multiplier < 0 else float(value) * 10.0**multiplier
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        _log.warning("A value of %s is no number and is left out.", measurand)
        return None
    return Reading(
        sampled_at=at,
        measurand=measurand,
        value=number,
        unit=unit or ("Wh" if measurand.startswith("Energy.") else None),
        phase=phase,
        location=location or "Outlet",
        context=context or "Sample.Periodic",
    )


def profile_of(payload: dict[str, Any]) -> Profile:
    """Return the charging profile that a command carries; one of the last release carries a constant limit alone.

    A thousandth of a watt of slack keeps 4.14 kW, which has no exact binary form, from becoming 4139 W.
    """
    if "profile" in payload:
        return Profile.from_json(payload["profile"])
    return Profile(RateUnit.W, ((0, float(math.floor(payload["limit_kw"] * 1000 + 0.001))),))


def default_profile_id(evse_no: int) -> int:
    """Return the id of the default profile of an EVSE."""
    return _DEFAULT_PROFILES + evse_no


def tx_profile_id(evse_no: int) -> int:
    """Return the id of the profile that limits the transaction on an EVSE."""
    return _TX_PROFILES + evse_no
