"""What the large fleet consists of: the same for the same seed and last day, however often it is asked for."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, CurrentType, Evse, OcppVersion
from ampyard.domain.depots import Depot
from ampyard.domain.id_tags import IdTag, IdTagKind, canonical
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.supply import PowerNode, PowerNodeKind
from ampyard.domain.transactions import ChargingState, StopReason, Transaction, TransactionState
from ampyard.domain.vehicles import Vehicle, VehicleKind

CHARGING_SHARE = 0.85
"""For which part of the time that it is plugged in a vehicle charges."""

_HOUR = timedelta(hours=1)
_LONGEST_CHARGING_H = 2.0
_CHANCE_OF_NOON = 0.3
_CHANCE_OF_KNOWN_VEHICLE = 0.97
_CHANCE_OF_LINK = 0.95


@dataclass(frozen=True, slots=True)
class Site:
    """Where depots are: city, its country (ISO 3166-1 alpha-3), time zone and place."""

    city: str
    country_code: str
    time_zone: str
    latitude: float
    longitude: float


# Most of one zone; some whose clocks are off by half or quarter hours, or change on other days, or never.
SITES = (
    Site("Berlin", "DEU", "Europe/Berlin", 52.52, 13.40),
    Site("Hamburg", "DEU", "Europe/Berlin", 53.55, 9.99),
    Site("Köln", "DEU", "Europe/Berlin", 50.94, 6.96),
    Site("London", "GBR", "Europe/London", 51.51, -0.13),
    Site("Leipzig", "DEU", "Europe/Berlin", 51.34, 12.37),
    Site("Helsinki", "FIN", "Europe/Helsinki", 60.17, 24.94),
    Site("Pune", "IND", "Asia/Kolkata", 18.52, 73.86),
    Site("Adelaide", "AUS", "Australia/Adelaide", -34.93, 138.60),
    Site("New York", "USA", "America/New_York", 40.71, -74.01),
    Site("Kathmandu", "NPL", "Asia/Kathmandu", 27.72, 85.32),
)
_MODELS = ((VehicleKind.BUS, 350.0, 22.0, 150.0), (VehicleKind.TRUCK, 280.0, 22.0, 120.0), (VehicleKind.VAN, 75.0, 11.0, 80.0))
_STOPS = (StopReason.EV_DISCONNECTED, StopReason.EV_DISCONNECTED, StopReason.LOCAL, StopReason.REMOTE, StopReason.STOPPED_BY_EV)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the fleet is; charge points and vehicles are those of a depot."""

    depots: int = 50
    charge_points: int = 40
    vehicles: int = 60
    days: int = 365


FULL_SIZE = Size()


@dataclass(frozen=True, slots=True)
class Yard:
    """A depot with all that stands in it."""

    number: int
    depot: Depot
    nodes: tuple[PowerNode, ...]
    charge_points: tuple[ChargePoint, ...]
    evses: tuple[Evse, ...]
    connectors: tuple[Connector, ...]
    vehicles: tuple[Vehicle, ...]
    id_tags: tuple[IdTag, ...]


class LargeFleet:
    """The plan of a tenant's large fleet: its yards, and what happened in them on a day.

    Args:
        slug: of the tenant; two of them have nothing in common but what chance makes of it.
        seed: decides everything that is left to chance.
        now: the end of what has happened.
        size: how large it is.
    """

    def __init__(self, slug: str, seed: int, now: datetime, size: Size = FULL_SIZE) -> None:
        self.slug = slug
        self.seed = seed
        self.now = now
        self.size = size
        self.first_day = now.date() - timedelta(days=size.days)
        self.made_at = datetime.combine(self.first_day, time(), UTC) - timedelta(days=1)
        self.tenant_id = self.id(self.draw("tenant"))
        self.yards = [self._yard(number) for number in range(size.depots)]

    def months(self) -> list[tuple[date, date]]:
        """Return the months there is something of, as first day and the day after the last one."""
        months, begin, end = [], self.first_day, self.now.date() + timedelta(days=1)
        while begin < end:
            until = min((begin.replace(day=1) + timedelta(days=32)).replace(day=1), end)
            months.append((begin, until))
            begin = until
        return months

    def transactions(self, first: date, until: date) -> Iterator[Transaction]:
        """Yield the transactions that began in these days (UTC), by depot."""
        for yard in self.yards:
            day = first
            while day < until:
                yield from self._of_day(yard, day)
                day += timedelta(days=1)

    def _of_day(self, yard: Yard, day: date) -> Iterator[Transaction]:
        draw = self.draw("day", yard.number, day)
        points = {point.id: point for point in yard.charge_points}
        midnight = datetime.combine(day, time(), UTC)
        for place, evse in enumerate(yard.evses):
            # In the afternoon, and on some days about noon; vehicles take turns, so that none is in two places at a time.
            begins = [(16.0 + 4.0 * draw.random(), place + day.toordinal() * 7)]
            if draw.random() < _CHANCE_OF_NOON:
                begins.insert(0, (9.0 + 2.0 * draw.random(), place + day.toordinal() * 7 + len(yard.evses)))
            for hour, turn in begins:
                began = midnight + hour * _HOUR
                transaction = self._transaction(draw, points[evse.charge_point_id], evse, yard, turn % len(yard.vehicles), began)
                if began < self.now:
                    yield transaction

    def _transaction(
        self, draw: random.Random, point: ChargePoint, evse: Evse, yard: Yard, vehicle_no: int, began: datetime
    ) -> Transaction:
        vehicle, tag = yard.vehicles[vehicle_no], yard.id_tags[vehicle_no]
        power_kw = min(evse.max_power_kw, vehicle.max_dc_kw if evse.current_type is CurrentType.DC else vehicle.max_ac_kw) * draw.uniform(
            0.6, 1.0
        )
        charging_h = min(draw.uniform(0.15, 0.6) * vehicle.battery_kwh / power_kw, _LONGEST_CHARGING_H)
        plugged_h = charging_h / CHARGING_SHARE
        ended = began + plugged_h * _HOUR
        runs = ended >= self.now
        elapsed_h = (self.now - began) / _HOUR if runs else plugged_h
        start_wh = round(draw.uniform(0, 5e7))
        energy_wh = round(power_kw * min(charging_h, elapsed_h) * 1000, 1)
        measured = self.now if runs else ended
        charges = runs and elapsed_h < charging_h
        return Transaction(
            id=self.id(draw, began),
            tenant_id=self.tenant_id,
            depot_id=yard.depot.id,
            charge_point_id=point.id,
            evse_id=evse.id,
            connector_id=None,
            vehicle_id=vehicle.id if draw.random() < _CHANCE_OF_KNOWN_VEHICLE else None,
            id_tag=tag.value,
            ocpp_transaction_id=f"{evse.evse_no}-{int(began.timestamp())}",
            state=TransactionState.ACTIVE if runs else TransactionState.ENDED,
            charging_state=(ChargingState.CHARGING if charges else ChargingState.SUSPENDED_EV) if runs else ChargingState.IDLE,
            started_at=began,
            ended_at=None if runs else ended,
            meter_start_wh=start_wh,
            meter_wh=start_wh + energy_wh,
            energy_wh=energy_wh,
            power_kw=round(power_kw, 3) if charges else 0.0,
            soc_percent=round(draw.uniform(60, 100), 1),
            measured_at=measured,
            stop_reason=None if runs else draw.choice(_STOPS),
            last_seq_no=None,
            created_at=began,
            updated_at=measured,
            register_at=measured,
        )

    def _yard(self, number: int) -> Yard:
        draw = self.draw("yard", number)
        site = SITES[number % len(SITES)]
        depot = Depot(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            name=f"{site.city} {number + 1:02d}",
            time_zone=site.time_zone,
            address=f"Depot Street {number + 1}",
            postal_code=f"{10000 + number * 13}",
            city=site.city,
            country_code=site.country_code,
            latitude=site.latitude + draw.uniform(-0.1, 0.1),
            longitude=site.longitude + draw.uniform(-0.1, 0.1),
            created_at=self.made_at,
            updated_at=self.made_at,
        )
        root = self._node(draw, depot, None, PowerNodeKind.GRID_CONNECTION, "Grid", 60.0 * self.size.charge_points)
        feeders = [self._node(draw, depot, root.id, PowerNodeKind.FEEDER, f"Feeder {n}", 40.0 * self.size.charge_points) for n in (1, 2)]
        charge_points, evses, connectors = [], [], []
        for place in range(self.size.charge_points):
            point = self._charge_point(draw, depot, feeders[place % 2].id, place)
            charge_points.append(point)
            # One in ten has two EVSEs.
            for evse_no in range(1, 3 if place % 10 == 0 else 2):
                evse = self._evse(draw, point, evse_no, dc=place % 2 == 0)
                evses.append(evse)
                connectors.append(self._connector(draw, evse))
        vehicles = [self._vehicle(draw, depot, place) for place in range(self.size.vehicles)]
        tags = [self._id_tag(draw, vehicle, place) for place, vehicle in enumerate(vehicles)]
        return Yard(number, depot, (root, *feeders), tuple(charge_points), tuple(evses), tuple(connectors), tuple(vehicles), tuple(tags))

    def _node(
        self, draw: random.Random, depot: Depot, parent_id: uuid.UUID | None, kind: PowerNodeKind, name: str, limit_kw: float
    ) -> PowerNode:
        return PowerNode(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            depot_id=depot.id,
            parent_id=parent_id,
            kind=kind,
            name=name,
            limit_kw=limit_kw,
            created_at=self.made_at,
            updated_at=self.made_at,
        )

    def _charge_point(self, draw: random.Random, depot: Depot, node_id: uuid.UUID, place: int) -> ChargePoint:
        identity = f"{depot.name.split()[-1]}-CP-{place + 1:03d}"
        connected = draw.random() < _CHANCE_OF_LINK
        return ChargePoint(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            depot_id=depot.id,
            power_node_id=node_id,
            identity=identity,
            name=f"Bay {place + 1}",
            ocpp_version=draw.choice(list(OcppVersion)),
            vendor=draw.choice(["Voltis", "Amperia", "Nordlader"]),
            model=draw.choice(["One", "Duo", "Max"]),
            serial_number=f"S{draw.randrange(10**9):09d}",
            firmware_version=draw.choice(["1.4.2", "1.5.0", "2.0.1"]),
            connected=connected,
            connected_at=self.now - timedelta(days=3) if connected else None,
            disconnected_at=None if connected else self.now - timedelta(hours=5),
            last_seen_at=self.now if connected else self.now - timedelta(hours=5),
            booted_at=self.now - timedelta(days=3),
            created_at=self.made_at,
            updated_at=self.made_at,
            state=ChargePointState.IN_SERVICE,
            state_at=self.made_at,
            state_reason=None,
            status=ConnectorStatus.UNKNOWN,
            iccid=None,
            imsi=None,
            meter_type=None,
            meter_serial_number=None,
        )

    def _evse(self, draw: random.Random, point: ChargePoint, evse_no: int, *, dc: bool) -> Evse:
        return Evse(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            charge_point_id=point.id,
            evse_no=evse_no,
            current_type=CurrentType.DC if dc else CurrentType.AC,
            max_power_kw=150.0 if dc else 22.0,
            min_power_kw=5.0 if dc else 4.14,
            phases=3,
            fallback_kw=10.0 if dc else 4.2,
            status=ConnectorStatus.AVAILABLE,
            limit_kw=None,
            limit_at=None,
            limit_reason=None,
            created_at=self.made_at,
            updated_at=self.made_at,
        )

    def _connector(self, draw: random.Random, evse: Evse) -> Connector:
        dc = evse.current_type is CurrentType.DC
        return Connector(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            evse_id=evse.id,
            connector_no=1,
            standard="IEC_62196_T2_COMBO" if dc else "IEC_62196_T2",
            format="CABLE" if dc else "SOCKET",
            power_type="DC" if dc else "AC_3_PHASE",
            max_voltage_v=920 if dc else 230,
            max_amperage_a=375 if dc else 32,
            status=ConnectorStatus.AVAILABLE,
            error_code=None,
            status_at=self.made_at,
            created_at=self.made_at,
            updated_at=self.made_at,
        )

    def _vehicle(self, draw: random.Random, depot: Depot, place: int) -> Vehicle:
        kind, battery_kwh, max_ac_kw, max_dc_kw = draw.choice(_MODELS)
        number = f"{depot.name.split()[-1]}{place + 1:03d}"
        return Vehicle(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            depot_id=depot.id,
            name=f"{kind.value.title()} {number}",
            kind=kind,
            vin=f"WLARGE{draw.randrange(10**6):06d}{number}",
            license_plate=f"L-{number}",
            battery_kwh=battery_kwh,
            max_ac_kw=max_ac_kw,
            max_dc_kw=max_dc_kw,
            soc_percent=None,
            soc_source=None,
            soc_at=None,
            created_at=self.made_at,
            updated_at=self.made_at,
        )

    def _id_tag(self, draw: random.Random, vehicle: Vehicle, place: int) -> IdTag:
        value = f"{vehicle.license_plate}-{place:03d}"
        return IdTag(
            id=self.id(draw),
            tenant_id=self.tenant_id,
            vehicle_id=vehicle.id,
            value=value,
            canonical=canonical(value),
            kind=IdTagKind.RFID,
            blocked=False,
            valid_from=None,
            valid_until=None,
            removed_at=None,
            created_at=self.made_at,
            updated_at=self.made_at,
        )

    def draw(self, *what: object) -> random.Random:
        """Return the chance by which something is decided: the same for the same thing of the same fleet."""
        # Chance, and no secret.
        return random.Random(" ".join(map(str, (self.slug, self.seed, *what))))  # noqa: S311 - the same for the same seed, on purpose

    def id(self, draw: random.Random, at: datetime | None = None) -> uuid.UUID:
        """Return a UUIDv7 (RFC 9562, section 5.7) of a time, which for all that stands there is when it was made."""
        milliseconds = int((at or self.made_at).timestamp() * 1000)
        return uuid.UUID(int=milliseconds << 80 | 7 << 76 | draw.getrandbits(12) << 64 | 2 << 62 | draw.getrandbits(62))
