"""EVSEs and connectors of charge points, written as a layout says."""

import uuid
from collections.abc import Sequence
from typing import Any

from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, Evse, evse_status
from ampyard.domain.errors import ConflictError
from ampyard.domain.ids import new_id
from ampyard.domain.layouts import ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.repositories.charge_points import Connectors, Evses, has_transactions, remove_connector, remove_evse
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.availability import note_availability
from ampyard.services.limits import give_default


async def of_charge_points(work: UnitOfWork, charge_point_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[EvseLayout, ...]]:
    """Return the present layout of each charge point."""
    evses = await Evses(work.session).of_charge_points(charge_point_ids)
    connectors = await Connectors(work.session).of_evses([evse.id for of_one in evses.values() for evse in of_one])
    return {
        charge_point_id: tuple(_layout(evse, connectors.get(evse.id, [])) for evse in of_one) for charge_point_id, of_one in evses.items()
    }


async def add(work: UnitOfWork, charge_point_id: uuid.UUID, layout: Sequence[EvseLayout]) -> None:
    """Add EVSEs with their connectors."""
    for wanted in layout:
        evse = Evse(
            id=new_id(),
            tenant_id=work.tenant_id,
            charge_point_id=charge_point_id,
            evse_no=wanted.number,
            **_ratings(wanted),
            status=ConnectorStatus.UNKNOWN,
            limit_kw=None,
            limit_at=None,
            limit_reason=None,
            created_at=work.now,
            updated_at=work.now,
        )
        await work.add(Evses, evse)
        await work.add(Connectors, *[_connector(work, evse.id, connector) for connector in wanted.connectors])


async def replace_all(work: UnitOfWork, charge_point: ChargePoint, layout: Sequence[EvseLayout]) -> None:
    """Make a charge point's EVSEs what a layout says: those with the same number change, others are added or removed.

    A charge point that is online is told its fall-backs where they change; another is told when it is back.

    Raises:
        ConflictError: an EVSE or a connector would be removed that has transactions.
    """
    present = {evse.evse_no: evse for evse in (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])}
    wanted = {evse.number: evse for evse in layout}
    for number in present.keys() - wanted.keys():
        await _remove(work, charge_point, present[number])
    await add(work, charge_point.id, [wanted[number] for number in sorted(wanted.keys() - present.keys())])
    for number in sorted(present.keys() & wanted.keys()):
        await work.change(Evses, present[number].id, **_ratings(wanted[number]), updated_at=work.now)
        await _replace_connectors(work, charge_point, present[number], wanted[number].connectors)
    if charge_point.connected:
        for evse, _ in await Evses(work.session).locked_of([charge_point.id], at=work.now):
            if evse.evse_no not in present or present[evse.evse_no].fallback_kw != evse.fallback_kw:
                await give_default(work, charge_point, evse, evse.fallback_kw)
    await note_availability(work, charge_point.id)


async def _replace_connectors(work: UnitOfWork, charge_point: ChargePoint, evse: Evse, layout: Sequence[ConnectorLayout]) -> None:
    present = {c.connector_no: c for c in (await Connectors(work.session).of_evses([evse.id])).get(evse.id, [])}
    wanted = {connector.number: connector for connector in layout}
    for number in present.keys() - wanted.keys():
        if await has_transactions(work.session, evse.id, present[number].id):
            raise ConflictError(
                f"Connector {number} of EVSE {evse.evse_no} of {charge_point.identity} has transactions and cannot be removed."
            )
        await remove_connector(work.session, present[number].id)
    for number, connector in wanted.items():
        if number in present:
            await work.change(Connectors, present[number].id, **_facts(connector), updated_at=work.now)
        else:
            await work.add(Connectors, _connector(work, evse.id, connector))
    if present.keys() - wanted.keys():
        kept = [connector.status for number, connector in present.items() if number in wanted]
        await work.change(Evses, evse.id, status=evse_status(kept))


async def _remove(work: UnitOfWork, charge_point: ChargePoint, evse: Evse) -> None:
    if await has_transactions(work.session, evse.id):
        raise ConflictError(f"EVSE {evse.evse_no} of {charge_point.identity} has transactions and cannot be removed.")
    await remove_evse(work.session, evse.id)


def _layout(evse: Evse, connectors: Sequence[Connector]) -> EvseLayout:
    return EvseLayout(
        number=evse.evse_no,
        current_type=evse.current_type,
        max_power_kw=evse.max_power_kw,
        min_power_kw=evse.min_power_kw,
        phases=evse.phases,
        fallback_kw=evse.fallback_kw,
        phase_rotation=evse.phase_rotation,
        voltage_v=evse.voltage_v,
        line_to_line=evse.line_to_line,
        set_points=evse.set_points,
        connectors=tuple(
            ConnectorLayout(
                number=connector.connector_no,
                standard=ConnectorStandard(connector.standard),
                format=ConnectorFormat(connector.format),
                power_type=PowerType(connector.power_type),
                max_voltage_v=connector.max_voltage_v,
                max_amperage_a=connector.max_amperage_a,
            )
            for connector in connectors
        ),
    )


def _ratings(layout: EvseLayout) -> dict[str, Any]:
    return {
        "current_type": layout.current_type,
        "max_power_kw": layout.max_power_kw,
        "min_power_kw": layout.min_power_kw,
        "phases": layout.phases,
        "fallback_kw": layout.fallback_kw,
        "phase_rotation": layout.phase_rotation,
        "voltage_v": layout.voltage_v,
        "line_to_line": layout.line_to_line,
        "set_points": layout.set_points,
    }


def _facts(layout: ConnectorLayout) -> dict[str, Any]:
    return {
        "standard": layout.standard.value,
        "format": layout.format.value,
        "power_type": layout.power_type.value,
        "max_voltage_v": layout.max_voltage_v,
        "max_amperage_a": layout.max_amperage_a,
    }


def _connector(work: UnitOfWork, evse_id: uuid.UUID, layout: ConnectorLayout) -> Connector:
    return Connector(
        id=new_id(),
        tenant_id=work.tenant_id,
        evse_id=evse_id,
        connector_no=layout.number,
        **_facts(layout),
        status=ConnectorStatus.UNKNOWN,
        error_code=None,
        status_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
