"""Equipment as charge points tell of it: asked for after each boot, taken over where it is told."""

import logging

from ampyard.domain.charge_points import ChargePoint, Evse, OcppVersion
from ampyard.domain.charging_profiles import ASKED, phase_rotations, smart_charging
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.orders import ReadVariables, new_request_id
from ampyard.domain.variables import VariableName
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.variables import Told, told_of_smart_charging
from ampyard.services import commands
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, locked_charge_point, station_work
from ampyard.services.fallbacks import check_fallbacks
from ampyard.services.limits import give_default, open_desk

_log = logging.getLogger(__name__)


async def ask(backend: Backend, station: Station) -> None:
    """Have a charge point tell which profiles it takes, and how its phases are connected."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        version = charge_point.ocpp_version or OcppVersion.V16
        names = list(ASKED[version])
        if version is not OcppVersion.V16:
            names += [VariableName("EVSE", "PhaseRotation", evse_no=evse.evse_no) for evse in await _evses(work, charge_point)]
        order = ReadVariables(tuple(names), new_request_id())
        await commands.give(work, charge_point.id, order.kind, order.payload())
        await work.commit()


async def take_over(work: UnitOfWork, charge_point: ChargePoint, before: Told) -> None:
    """Follow what a charge point has told: how EVSEs are connected; and, where it takes other profiles than was known, its fall-backs anew.

    How they are connected is a fact, which counts even where fall-backs do not fit the lines then; that is said in the log.
    `before` is what it had told of its smart charging until now.
    """
    told = (await told_of_smart_charging(work.session, [charge_point.id]))[charge_point.id]
    if told == before:
        return
    rotations = phase_rotations(told)
    known = phase_rotations(before)
    desk = await open_desk(work, [charge_point])
    is_rewired = False
    for evse in await _evses(work, charge_point):
        rotation = rotations.get(evse.evse_no)
        if rotation is not None and rotation is not known.get(evse.evse_no):
            await work.change(Evses, evse.id, phase_rotation=rotation, updated_at=work.now)
            is_rewired = True
        if charge_point.connected and smart_charging(told) != smart_charging(before):
            await give_default(work, charge_point, evse, evse.fallback_kw, desk)
    if is_rewired:
        try:
            await check_fallbacks(work, charge_point.depot_id)
        except InvalidInputError as error:
            _log.warning("%s told how its EVSEs are connected. %s", charge_point.identity, error)
    work.wake_planner(charge_point.depot_id)


async def _evses(work: UnitOfWork, charge_point: ChargePoint) -> list[Evse]:
    return (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])
