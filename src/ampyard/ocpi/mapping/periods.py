"""What sessions and CDRs have in common, the same in both versions but for the values they know."""

from collections.abc import Iterable
from typing import Any, get_args

from ampyard.domain.roaming.periods import CdrPeriod
from ampyard.domain.roaming.sessions import CdrToken
from ampyard.ocpi.v2_2_1.types import TokenType
from ampyard.ocpi.wire.types import format_date_time

_TOKEN_TYPES_2_2_1 = frozenset(get_args(TokenType))


def period_objects(periods: Iterable[CdrPeriod]) -> list[dict[str, Any]]:
    """Return periods as ChargingPeriods (10.4.6)."""
    told = []
    for period in periods:
        one: dict[str, Any] = {
            "start_date_time": format_date_time(period.start_date_time),
            "dimensions": [{"type": it.type.value, "volume": it.volume} for it in period.dimensions],
        }
        if period.tariff_id is not None:
            one["tariff_id"] = period.tariff_id
        told.append(one)
    return told


def cdr_token_object(token: CdrToken, version: str) -> dict[str, Any]:
    """Return a CdrToken (10.4.5)."""
    return {
        "country_code": token.party.country_code,
        "party_id": token.party.party_id,
        "uid": token.uid,
        "type": token_type(token.type, version),
        "contract_id": token.contract_id,
    }


def token_type(kind: str, version: str) -> str:
    """Return a TokenType as a version knows it: what 2.2.1 has no name for, such as EMAID, is OTHER there."""
    return "OTHER" if version == "2.2.1" and kind not in _TOKEN_TYPES_2_2_1 else kind
