import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.charging_profiles import ASKED
from ampyard.domain.ids import new_id
from ampyard.domain.variables import ConfigurationVariable, ReportedVariable, VariableName
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array, array_of_text

Told = dict[VariableName, str | None]

_NAME = tuple(field.name for field in fields(VariableName))
_TOLD = ("value", "read_only", "unit", "data_type", "allowed_values", "reported_at")


@dataclass(frozen=True, slots=True)
class VariableFilter:
    """Which variables to list; a field that is `None` does not narrow."""

    name_contains: str | None = None
    component: str | None = None
    read_only: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.charge_point_variable.c
        text = self.name_contains
        return [
            *(
                [or_(column.variable.icontains(text, autoescape=True), column.component.icontains(text, autoescape=True))]
                if text is not None
                else []
            ),
            *([column.component == self.component] if self.component is not None else []),
            *([column.read_only == self.read_only] if self.read_only is not None else []),
        ]


class Variables(Repository[ConfigurationVariable]):
    entity = ConfigurationVariable
    table = tables.charge_point_variable
    orders = MappingProxyType({"NAME": table.c.variable, "REPORTED_AT": table.c.reported_at})

    async def is_read_only(self, charge_point_id: uuid.UUID, name: VariableName) -> bool:
        """Return whether a charge point has told that a variable cannot be changed; of one it never told of, nobody knows."""
        column = self.table.c
        named = [column[part] == getattr(name, part) for part in _NAME]
        return bool(await self.count(column.charge_point_id == charge_point_id, column.read_only.is_(True), *named))


async def told_of_smart_charging(session: Session, charge_point_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Told]:
    """Return the variables that charge points have told of their smart charging and their phases; none for those that have told none."""
    names = sorted({name.variable for of_version in ASKED.values() for name in of_version})
    column = tables.charge_point_variable.c
    rows = await session.fetch(
        select(column.charge_point_id, *(column[part] for part in _NAME), column.value).where(
            column.charge_point_id == func.any(array(charge_point_ids)), column.variable == func.any(array_of_text(names))
        )
    )
    told: dict[uuid.UUID, Told] = {charge_point_id: {} for charge_point_id in charge_point_ids}
    for charge_point_id, *name, value in rows:
        told[charge_point_id][VariableName(*name)] = value
    return told


async def keep(
    session: WriteSession, tenant_id: uuid.UUID, charge_point_id: uuid.UUID, reported: Iterable[ReportedVariable], *, at: datetime
) -> None:
    """Keep what a charge point has told of its variables, in place of what it told before."""
    # The last word on a variable counts; in the order of their names, so that two who write the same do not wait for each other.
    latest = sorted({one.name: one for one in reported}.values(), key=lambda one: tuple(getattr(one.name, part) for part in _NAME))
    rows = [(one.read_only is None, _row(tenant_id, charge_point_id, one, at)) for one in latest]
    statement = insert(tables.charge_point_variable)
    for value_alone, replaced in ((True, ("value", "reported_at")), (False, _TOLD)):
        of_kind = [row for alone, row in rows if alone is value_alone]
        if of_kind:
            told = {name: statement.excluded[name] for name in replaced}
            await session.execute(statement.on_conflict_do_update(constraint="uq_charge_point_variable_name", set_=told), of_kind)


def _row(tenant_id: uuid.UUID, charge_point_id: uuid.UUID, told: ReportedVariable, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "charge_point_id": charge_point_id,
        **{part: getattr(told.name, part) for part in _NAME},
        "value": told.value,
        "read_only": bool(told.read_only),
        "unit": told.unit,
        "data_type": told.data_type,
        "allowed_values": told.allowed_values,
        "reported_at": at,
        "created_at": at,
    }
