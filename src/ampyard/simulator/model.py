"""The physics of one EVSE and one vehicle: pure functions of their arguments.

Power and energy are those of wall time. A simulation of speed X fills batteries X times faster than that energy
could, so that limits, registers and bills stay true while days pass in minutes.
"""

from ampyard.simulator.fleet import CurrentType, EvseSpec, VehicleSpec

VOLTAGE_V = 230.0
MINIMUM_CURRENT_A = 6.0  # IEC 61851-1: the smallest current a control pilot can offer
MINIMUM_DC_KW = 3.0
SINGLE_PHASE_MAX_KW = 7.4  # 32 A on one phase: AC vehicles up to here have a single-phase on-board charger
TAPER_START_PERCENT = 80.0
TAPER_END_FACTOR = 0.15
RAMP_S = 2.0
ROUNDING_KW = 1e-6
SECONDS_PER_HOUR = 3600.0


def phases_used(vehicle: VehicleSpec, evse: EvseSpec, current_type: CurrentType) -> int:
    """Return on how many phases the vehicle loads the EVSE; a DC EVSE loads all it has."""
    if current_type == "AC" and vehicle.max_ac_kw <= SINGLE_PHASE_MAX_KW:
        return 1
    return evse.phases


def minimum_kw(current_type: CurrentType, phases: int) -> float:
    """Return the least power at which charging is possible at all."""
    return kw_of_current(MINIMUM_CURRENT_A, phases) if current_type == "AC" else MINIMUM_DC_KW


def kw_of_current(current_a: float, phases: int) -> float:
    return current_a * phases * VOLTAGE_V / 1000


def current_of_kw(power_kw: float, phases: int) -> float:
    return power_kw * 1000 / (phases * VOLTAGE_V)


def taper_factor(soc_percent: float) -> float:
    """Return the share of its maximum power a battery accepts: 1 up to 80 %, then falling linearly to 0.15 at 100 %."""
    over = max(0.0, soc_percent - TAPER_START_PERCENT) / (100 - TAPER_START_PERCENT)
    return 1 - min(1.0, over) * (1 - TAPER_END_FACTOR)


def accepted_kw(vehicle: VehicleSpec, soc_percent: float, evse: EvseSpec, current_type: CurrentType) -> float:
    """Return the power that vehicle and EVSE would use if nobody limited them; 0 once the target is reached."""
    if soc_percent >= vehicle.target_soc_percent:
        return 0.0
    phases = phases_used(vehicle, evse, current_type)
    tapered_kw = max(vehicle.max_kw(current_type) * taper_factor(soc_percent), minimum_kw(current_type, phases))
    return min(evse.max_power_kw * phases / evse.phases, vehicle.max_kw(current_type), tapered_kw)


def permitted_kw(wanted_kw: float, limit_kw: float, least_kw: float) -> float:
    """Return the power to aim for: what is wanted within the limit, 0 where the limit is below the physical minimum."""
    return min(wanted_kw, limit_kw) if limit_kw >= least_kw - ROUNDING_KW else 0.0


def next_power_kw(power_kw: float, target_kw: float, least_kw: float, max_kw: float, elapsed_s: float) -> float:
    """Return the power after ``elapsed_s``: a reduction is immediate, a raise takes about two seconds over the full range."""
    if target_kw <= power_kw:
        return target_kw
    return min(target_kw, max(least_kw, power_kw + max_kw * elapsed_s / RAMP_S))


def charge(vehicle: VehicleSpec, soc_percent: float, power_kw: float, elapsed_s: float, speed: float) -> tuple[float, float]:
    """Charge for ``elapsed_s`` of wall time at constant power; return the energy in Wh and the new state of charge.

    The battery moves by energy times speed. Charging ends at the target, so the last step may use less than power times time.
    """
    need_wh = max(0.0, vehicle.target_soc_percent - soc_percent) / 100 * vehicle.battery_kwh * 1000 / speed
    offered_wh = power_kw * 1000 * elapsed_s / SECONDS_PER_HOUR
    if offered_wh >= need_wh:
        return need_wh, max(soc_percent, vehicle.target_soc_percent)
    return offered_wh, soc_percent + offered_wh * speed / (vehicle.battery_kwh * 1000) * 100
