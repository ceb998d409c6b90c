"""What power nodes may supply and what flows through them: exceptions of limits, site meters, loads now and then."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, Select, Table, and_, bindparam, case, func, select, true
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.grid_signals import LIMITING, GridLimits, GridSignal, LostLink
from ampyard.domain.supply import LimitException, MeterReading, NodeLoad, NodePower, NodeState, SiteMeter
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_signals import GridSignals
from ampyard.repositories.repository import ANY_OF_IDS, Repository
from ampyard.repositories.statements import AnyRow, Query, recall


@dataclass(frozen=True, slots=True)
class LimitExceptionFilter:
    """Which exceptions of limits to list; a field that is `None` does not narrow."""

    in_force_at: datetime | None = None
    ends_after: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.limit_exception.c
        return [
            *([column.valid_from <= self.in_force_at, column.valid_until > self.in_force_at] if self.in_force_at is not None else []),
            *([column.valid_until > self.ends_after] if self.ends_after is not None else []),
        ]


class LimitExceptions(Repository[LimitException]):
    entity = LimitException
    table = tables.limit_exception
    orders = MappingProxyType({"VALID_FROM": table.c.valid_from, "CREATED_AT": table.c.created_at})

    async def ahead_of_depot(self, depot_id: uuid.UUID, *, at: datetime) -> dict[uuid.UUID, list[LimitException]]:
        """Return the exceptions of a depot's nodes that count at a moment or will later, by node."""
        found: dict[uuid.UUID, list[LimitException]] = defaultdict(list)
        for rule in await self.where(self.table.c.depot_id == depot_id, self.table.c.valid_until > at):
            found[rule.power_node_id].append(rule)
        return found


class Supply:
    """Power nodes as they are at a moment. Each method is one statement."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def states(self, node_ids: Iterable[uuid.UUID], *, at: datetime, now: datetime | None = None) -> dict[uuid.UUID, NodeState]:
        """Return each node with what decides its limit and its unmanaged load at a moment.

        A link to the outside is lost at a later moment than `now` (None: the moment itself) only where it is lost now.
        """
        rows = await self._rows("states", node_ids, at, now)
        return {node_id: _state(of_node) for node_id, of_node in _by_node(rows).items()}

    async def of_depot(self, depot_id: uuid.UUID, *, at: datetime) -> list[NodeState]:
        """Return all nodes of a depot so, by name."""
        rows = await self._rows("of_depot", [depot_id], at)
        return [_state(of_node) for of_node in _by_node(rows).values()]

    async def power(self, node_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, NodePower]:
        """Return what flows through each node, and what may, at a moment; see `NodePower`."""
        return self._powers(await self._rows("power", node_ids, at), at)

    async def power_of_depot(self, depot_id: uuid.UUID, *, at: datetime) -> list[NodePower]:
        """Return what flows through all nodes of a depot so."""
        return list(self._powers(await self._rows("power_of_depot", [depot_id], at), at).values())

    @staticmethod
    def _powers(rows: Sequence[AnyRow], at: datetime) -> dict[uuid.UUID, NodePower]:
        below: dict[uuid.UUID, list[AnyRow]] = defaultdict(list)
        for row in rows:
            below[row.top].append(row)
        return {top: _power(top, _by_node(of_top), at) for top, of_top in below.items()}

    async def _rows(self, which: str, ids: Iterable[uuid.UUID], at: datetime, now: datetime | None = None) -> Sequence[AnyRow]:
        query: Query = recall((Supply, which), lambda: Query(_STATEMENTS[which]()))
        lost_by = at if now is None else min(at, now)
        return query.rows(await self.session.records(query, {"ids": list(ids), "at": at, "lost_by": lost_by}))


def _by_node(rows: Sequence[AnyRow]) -> dict[uuid.UUID, list[AnyRow]]:
    groups: dict[uuid.UUID, list[AnyRow]] = defaultdict(list)
    for row in rows:
        groups[row.node_id].append(row)
    return groups


def _prefixed(prefix: str, columns: Sequence[Column[Any]]) -> list[ColumnElement[Any]]:
    return [column.label(f"{prefix}_{column.name}") for column in columns]


def _columns(entity: type[Any], table: Table) -> list[Column[Any]]:
    return [table.c[field.name] for field in fields(entity)]


_NODE, _METER, _RULE = PowerNodes.columns(), _columns(SiteMeter, tables.site_meter), LimitExceptions.columns()
_SIGNAL = GridSignals.columns()
_LINK = [tables.grid_link.c[name] for name in ("id", "kind", "name", "lost_at", "fallback_kw", "fallback_a")]
_LOAD = _columns(NodeLoad, tables.node_load)
# Where each begins in a row.
_ZONE_AT = len(_NODE)
_METER_AT = _ZONE_AT + 1
_RULE_AT = _METER_AT + len(_METER)
_SIGNAL_AT = _RULE_AT + len(_RULE)
_LINK_AT = _SIGNAL_AT + len(_SIGNAL)
_END = _LINK_AT + len(_LINK)
_STATE = [
    *_prefixed("node", _NODE),
    tables.depot.c.time_zone,
    *_prefixed("meter", _METER),
    *_prefixed("rule", _RULE),
    *_prefixed("signal", _SIGNAL),
    *_prefixed("link", _LINK),
]


def _joined(source: Any, *also: ColumnElement[bool]) -> Any:
    """Return power nodes with depot and meter, and a row for each combination of what limits them then: there are few of each.

    That is exceptions in force, signals from outside in force, and links that are lost; a row with none where there is none.
    """
    node, depot, meter, rule = tables.power_node, tables.depot, tables.site_meter, tables.limit_exception
    signal, link = tables.grid_signal, tables.grid_link
    at, lost_by = bindparam("at", type_=DateTime(timezone=True)), bindparam("lost_by", type_=DateTime(timezone=True))
    in_force = and_(rule.c.power_node_id == node.c.id, rule.c.valid_from <= at, rule.c.valid_until > at, *also)
    said = and_(
        signal.c.power_node_id == node.c.id, signal.c.counts_until > at, signal.c.begins_at <= at, signal.c.kind.in_(LIMITING), *also
    )
    lost = and_(link.c.power_node_id == node.c.id, link.c.enabled, link.c.lost_at <= lost_by, *also)
    nodes = source.join(depot, depot.c.id == node.c.depot_id).outerjoin(meter, meter.c.power_node_id == node.c.id)
    return nodes.outerjoin(rule, in_force).outerjoin(signal, said).outerjoin(link, lost)


def _states() -> Select[Any]:
    return select(*_STATE).select_from(_joined(tables.power_node)).where(tables.power_node.c.id == ANY_OF_IDS)


def _of_depot() -> Select[Any]:
    node = tables.power_node
    return select(*_STATE).select_from(_joined(node)).where(node.c.depot_id == ANY_OF_IDS).order_by(node.c.name, node.c.id)


def _flowing(asked_by: Column[Any]) -> Select[Any]:
    node, cp, tx, evse = tables.power_node, tables.charge_point, tables.transaction, tables.evse
    below = select(node.c.id.label("top"), node.c.id.label("id")).where(asked_by == ANY_OF_IDS).cte("below", recursive=True)
    below = below.union_all(select(below.c.top, node.c.id).where(node.c.parent_id == below.c.id))
    flow = (
        select(
            func.coalesce(func.sum(tx.c.power_kw), 0.0).label("measured_kw"),
            func.coalesce(func.sum(evse.c.limit_kw), 0.0).label("allocated_kw"),
            func.max(tx.c.measured_at).label("measured_at"),
        )
        .select_from(cp)
        .join(evse, evse.c.charge_point_id == cp.c.id)
        # By depot, too, as the index of open transactions has them.
        .join(tx, and_(tx.c.depot_id == cp.c.depot_id, tx.c.evse_id == evse.c.id, tx.c.state == TransactionState.ACTIVE))
        .where(cp.c.power_node_id == below.c.id)
        .lateral("flow")
    )
    # The limit that counts is asked of the node itself alone.
    joined = _joined(below.join(node, node.c.id == below.c.id), below.c.top == below.c.id).join(flow, true())
    return select(*_STATE, below.c.top.label("top"), flow.c.measured_kw, flow.c.allocated_kw, flow.c.measured_at).select_from(joined)


_STATEMENTS: Mapping[str, Callable[[], Select[Any]]] = MappingProxyType(
    {
        "states": _states,
        "of_depot": _of_depot,
        "power": lambda: _flowing(tables.power_node.c.id),
        "power_of_depot": lambda: _flowing(tables.power_node.c.depot_id),
    }
)


def _state(rows: Sequence[AnyRow]) -> NodeState:
    row = rows[0]
    # Each comes once with each of the others.
    rules = {it[_RULE_AT]: it[_RULE_AT:_SIGNAL_AT] for it in rows if it[_RULE_AT] is not None}
    signals = {it[_SIGNAL_AT]: it[_SIGNAL_AT:_LINK_AT] for it in rows if it[_SIGNAL_AT] is not None}
    links = {it[_LINK_AT]: it[_LINK_AT:_END] for it in rows if it[_LINK_AT] is not None}
    return NodeState(
        node=PowerNodes.entity(*row[:_ZONE_AT]),
        time_zone=row[_ZONE_AT],
        exceptions=tuple(LimitException(*it) for it in rules.values()),
        meter=None if row[_METER_AT] is None else SiteMeter(*row[_METER_AT:_RULE_AT]),
        grid=GridLimits(
            signals=tuple(GridSignal(*it) for it in signals.values()),
            lost=tuple(LostLink(link_id, kind.origin, *rest) for link_id, kind, *rest in links.values()),
        ),
    )


def _power(top: uuid.UUID, below: Mapping[uuid.UUID, Sequence[AnyRow]], at: datetime) -> NodePower:
    states = {node_id: _state(rows) for node_id, rows in below.items()}
    flows = [rows[0] for rows in below.values()]
    return NodePower(
        node_id=top,
        measured_kw=sum(flow.measured_kw for flow in flows),
        allocated_kw=sum(flow.allocated_kw for flow in flows),
        measured_at=max((flow.measured_at for flow in flows if flow.measured_at is not None), default=None),
        unmanaged_kw=sum(state.unmanaged(at).kw for state in states.values()),
        limit_kw=states[top].limit(at).limit_kw,
    )


async def add_readings(
    session: WriteSession, tenant_id: uuid.UUID, readings: Mapping[tuple[uuid.UUID, uuid.UUID], Sequence[MeterReading]]
) -> int:
    """Keep readings of site meters, by (depot, power node); returns how many were new. One that is there already is left as it is.

    What is known of each meter follows its newest reading, whatever the order in which they come.
    """
    rows = [
        {"tenant_id": tenant_id, "depot_id": depot_id, "power_node_id": node_id, **_values(reading)}
        for (depot_id, node_id), of_node in sorted(readings.items())
        for reading in of_node
    ]
    added = await session.execute(insert(tables.site_meter_reading).values(rows).on_conflict_do_nothing())
    newest = []
    for (depot_id, node_id), of_node in sorted(readings.items()):
        last = max(of_node, key=lambda reading: reading.measured_at)
        known = {"tenant_id": tenant_id, "depot_id": depot_id, "power_node_id": node_id, **_values(last)}
        newest.append(known | {f"highest_{name}": _highest(name, of_node) for name in _MEASURED if name != "measured_at"})
    statement = insert(tables.site_meter).values(newest)
    new, old = statement.excluded, tables.site_meter.c
    is_newer = new.measured_at > old.measured_at
    changes: dict[str, Any] = {name: case((is_newer, new[name]), else_=old[name]) for name in _MEASURED}
    for name in (f"highest_{name}" for name in _MEASURED if name != "measured_at"):
        changes[name] = func.greatest(old[name], new[name])
    await session.execute(statement.on_conflict_do_update(index_elements=["power_node_id"], set_=changes))
    return added


_MEASURED = tuple(field.name for field in fields(MeterReading))


def _highest(name: str, readings: Iterable[MeterReading]) -> float | None:
    return max((told for reading in readings if (told := getattr(reading, name)) is not None), default=None)


def _values(reading: MeterReading) -> dict[str, Any]:
    return {name: getattr(reading, name) for name in _MEASURED}


async def loads_of(session: Session, node_ids: Iterable[uuid.UUID], begin: datetime, end: datetime) -> dict[uuid.UUID, list[NodeLoad]]:
    """Return the load of each node in the buckets that begin in a period, from `begin` to before `end`, oldest first."""
    column = tables.node_load.c
    reading = recall(
        (loads_of,),
        lambda: Query(
            select(*_LOAD)
            .where(column.power_node_id == ANY_OF_IDS, column.bucket_at >= bindparam("begin"), column.bucket_at < bindparam("end"))
            .order_by(column.power_node_id, column.bucket_at)
        ),
    )
    found: dict[uuid.UUID, list[NodeLoad]] = defaultdict(list)
    for record in await session.records(reading, {"ids": list(node_ids), "begin": begin, "end": end}):
        found[record["power_node_id"]].append(NodeLoad(*record))
    return found


async def record_loads(session: WriteSession, loads: Sequence[NodeLoad], *, sampled_at: datetime) -> int:
    """Take looks at the load of nodes into their buckets; returns how many were taken.

    A look that is not later than the last one taken into the same bucket has been taken by another worker, and is left out.
    """
    names = [column.name for column in _LOAD]
    rows = [{name: getattr(load, name) for name in names} | {"sampled_at": sampled_at} for load in loads]
    statement = insert(tables.node_load).values(rows)
    new, old = statement.excluded, tables.node_load.c
    together = old.samples + new.samples

    def average(name: str) -> ColumnElement[Any]:
        return (old[name] * old.samples + new[name] * new.samples) / together

    changes = {
        "samples": together,
        **{name: average(name) for name in ("measured_avg_kw", "unmanaged_avg_kw", "allocated_avg_kw")},
        "measured_max_kw": func.greatest(old.measured_max_kw, new.measured_max_kw),
        "limit_kw": func.least(old.limit_kw, new.limit_kw),
        "sampled_at": new.sampled_at,
    }
    return await session.execute(
        statement.on_conflict_do_update(index_elements=["power_node_id", "bucket_at"], set_=changes, where=old.sampled_at < new.sampled_at)
    )


async def drop_before(session: WriteSession, day: date) -> int:
    """Drop the months of readings and loads that were over by then, of all tenants; returns how many tables went."""
    return int((await session.fetch(select(func.ampyard_drop_loads(day))))[0][0])
