"""A fleet under a virtual clock, with no network: hours of it in a moment."""

from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.fleet import Fleet
from ampyard.simulator.generated import generate_fleet
from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.profiles import ChargingProfile, Purpose, SchedulePeriod
from ampyard.simulator.run import World
from ampyard.simulator.state import AwayVehicle, Flash
from ampyard.simulator.yard import STAY_H, draw_visit

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
# samples off: what happens is wanted, not how it was measured; and away from the network they would only pile up
OPTIONS = SimulatorOptions(url="ws://unused", seed=11, meter_interval_s=0)


class VirtualWorld:
    """A world whose time is moved by hand. Every id tag was accepted before, so that all may charge without a link."""

    def __init__(self, fleet: Fleet, options: SimulatorOptions, start: datetime = START) -> None:
        self.now = start
        self.options = options
        self.world = World(fleet, options, lambda: self.now)
        for point in self.world.points:
            point.state.accepted_id_tags = [vehicle.id_tag for vehicle in fleet.vehicles]

    @property
    def points(self) -> list[SimulatedChargePoint]:
        return self.world.points

    def run(self, duration_s: float, step_s: float = 10.0) -> list[tuple[float, str, int, str | None]]:
        """Move on; return who was plugged in where, each time that changed: (second, identity, EVSE, vehicle)."""
        events: list[tuple[float, str, int, str | None]] = []
        present = self.plugged()
        for step in range(1, round(duration_s / step_s) + 1):
            self.now += timedelta(seconds=step_s)
            self.world.step(self.now)
            plugged = self.plugged()
            events += [(step * step_s, *place, name) for place, name in plugged.items() if present[place] != name]
            present = plugged
        return events

    def plugged(self) -> dict[tuple[str, int], str | None]:
        return {
            (point.spec.identity, evse.spec.evse_no): evse.state.plugged.spec.name if evse.state.plugged else None
            for point in self.points
            for evse in point.evses
        }


def test_same_seed_gives_the_same_day() -> None:
    fleet = generate_fleet(6, seed=11)

    first = VirtualWorld(fleet, OPTIONS).run(8 * 3600)
    second = VirtualWorld(fleet, OPTIONS).run(8 * 3600)
    other = VirtualWorld(fleet, replace(OPTIONS, seed=12)).run(8 * 3600)

    assert first == second
    assert first != other
    assert len(first) > 20


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_most_evses_are_taken_within_the_first_minute_at_any_speed(speed: float) -> None:
    virtual = VirtualWorld(generate_fleet(24, seed=3), replace(OPTIONS, speed=speed))

    virtual.run(60, step_s=1.0)

    taken = sum(name is not None for name in virtual.plugged().values())
    assert 0.7 * 30 <= taken <= 30
    assert len({name for name in virtual.plugged().values() if name}) == taken


def test_a_vehicle_is_at_one_place_at_a_time_and_none_is_lost() -> None:
    fleet = generate_fleet(6, seed=2)
    virtual = VirtualWorld(fleet, OPTIONS)

    for _ in range(48):
        virtual.run(600, step_s=30.0)
        places = Counter([name for name in virtual.plugged().values() if name])
        places.update(vehicle.name for vehicle in virtual.world.yards[0].away)
        assert places == Counter(vehicle.name for vehicle in fleet.vehicles)


def test_stays_last_hours_and_are_divided_by_speed() -> None:
    stays_h = [draw_visit(1, f"Van {number}", 0, speed=1.0).stay_s / 3600 for number in range(200)]

    assert min(stays_h) >= STAY_H[0]
    assert max(stays_h) <= STAY_H[1]
    assert draw_visit(1, "Van 1", 0, speed=60.0).stay_s == pytest.approx(stays_h[1] * 60)


def test_register_is_the_integral_of_power_and_fills_the_battery_at_speed() -> None:
    fleet = generate_fleet(1, seed=11)
    virtual = VirtualWorld(fleet, replace(OPTIONS, speed=10.0, arrival_window_s=0.0))
    evse = virtual.points[0].evses[0]
    virtual.run(1, step_s=1.0)
    plugged = evse.state.plugged
    assert plugged is not None
    soc_percent, register_wh, integral_wh = plugged.soc_percent, evse.state.register_wh, 0.0

    for _ in range(300):
        integral_wh += evse.power_kw * 1000 / 3600
        virtual.run(1, step_s=1.0)

    energy_wh = evse.state.register_wh - register_wh
    assert evse.state.plugged is plugged
    assert energy_wh == pytest.approx(integral_wh)
    assert energy_wh > 100
    assert (plugged.soc_percent - soc_percent) / 100 * plugged.spec.battery_kwh * 1000 == pytest.approx(energy_wh * 10)


def test_meter_never_goes_backward_through_a_whole_day() -> None:
    virtual = VirtualWorld(generate_fleet(4, seed=5), OPTIONS)
    evses = [evse for point in virtual.points for evse in point.evses]
    registers = [0.0] * len(evses)

    for _ in range(144):
        virtual.run(600, step_s=30.0)
        now = [evse.state.register_wh for evse in evses]
        assert all(before <= after for before, after in zip(registers, now, strict=True))
        registers = now

    assert min(registers) > 10_000


def test_maximum_of_a_charge_point_is_shared_by_those_charging() -> None:
    fleet = generate_fleet(4, seed=3)
    fleet = Fleet(charge_points=fleet.charge_points[3:], vehicles=tuple(v for v in fleet.vehicles if v.max_dc_kw > 80))
    virtual = VirtualWorld(fleet, replace(OPTIONS, arrival_window_s=0.0))
    point = virtual.points[0]
    for profile_id, purpose, evse_no, limit in [(1, Purpose.MAX, 0, 100_000), (2, Purpose.DEFAULT, 0, 150_000)]:
        periods = (SchedulePeriod(0, limit),)
        point.install(ChargingProfile(profile_id, evse_no, 0, purpose, "Absolute", "W", periods, installed_at=START, start_at=START))

    virtual.run(10, step_s=1.0)

    assert [evse.power_kw for evse in point.evses] == [50.0, 50.0]


def test_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    fleet = generate_fleet(4, seed=7)
    options = replace(OPTIONS, state=tmp_path, meter_interval_s=5.0)
    virtual = VirtualWorld(fleet, options)
    virtual.run(120, step_s=1.0)
    virtual.world.save()

    again = VirtualWorld(fleet, options, start=virtual.now)

    assert again.plugged() == virtual.plugged()
    assert [asdict(point.state) for point in again.points] == [asdict(point.state) for point in virtual.points]
    assert again.world.yards[0].away == virtual.world.yards[0].away
    assert any(point.state.queue for point in again.points)
    assert not list(tmp_path.glob("**/*.tmp"))


def test_state_of_a_charge_point_that_was_rebuilt_is_not_used(tmp_path: Path) -> None:
    one, two = generate_fleet(3, seed=1).charge_points[0], generate_fleet(4, seed=1).charge_points[3]
    flash = Flash(tmp_path)
    virtual = VirtualWorld(generate_fleet(1, seed=1), replace(OPTIONS, state=tmp_path))
    virtual.world.save()

    assert flash.load(one) is not None
    assert flash.load(two.model_copy(update={"identity": one.identity})) is None
    assert flash.load(two) is None


def test_identity_cannot_leave_the_state_folder(tmp_path: Path) -> None:
    spec = generate_fleet(1, seed=1).charge_points[0].model_copy(update={"identity": "../../etc/passwd"})
    virtual = VirtualWorld(Fleet(charge_points=(spec,)), replace(OPTIONS, state=tmp_path / "state"))

    virtual.world.save()

    assert [path.name for path in (tmp_path / "state").glob("*.json")] == ["..%2F..%2Fetc%2Fpasswd.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_vehicle_found_both_plugged_in_and_away_is_plugged_in(tmp_path: Path) -> None:
    # the power failed between the two writes of its departure
    fleet = generate_fleet(1, seed=1)
    options = replace(OPTIONS, state=tmp_path, arrival_window_s=0.0)
    virtual = VirtualWorld(fleet, options)
    virtual.run(5, step_s=1.0)
    name = next(iter(virtual.plugged().values()))
    assert name is not None
    Flash(tmp_path).save_away([AwayVehicle(name, 10.0, 4, START)])

    again = VirtualWorld(fleet, options, start=virtual.now)

    assert list(again.plugged().values()) == [name]
    assert name not in {vehicle.name for vehicle in again.world.yards[0].away}


def test_full_flash_drops_periodic_samples_before_anything_else() -> None:
    fleet = generate_fleet(3, seed=7)
    virtual = VirtualWorld(fleet, replace(OPTIONS, meter_interval_s=1.0, arrival_window_s=0.0))

    virtual.run(900, step_s=1.0)

    for point in virtual.points:
        kinds = [call.payload.get("event_type", call.action) for call in point.state.queue]
        assert 250 <= len(kinds) <= 500
        assert kinds[0] in {"StartTransaction", "Started"}
        orders = [call.order for call in point.state.queue]
        assert orders == sorted(orders)
