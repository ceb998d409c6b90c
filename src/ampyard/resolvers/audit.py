"""What audit records are about."""

import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from ampyard.domain.audit import AuditRecord
from ampyard.engine import Load
from ampyard.repositories.database import Session
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import NODES, SCOPES, encode_id

Target = tuple[str, uuid.UUID]

# By the name that audit records have for it: charge_point for a ChargePoint.
_ENTITIES: dict[str, type[Any]] = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", entity.__name__).lower(): entity for entity in NODES}


def resolve_target_id(root: AuditRecord) -> strawberry.ID | None:
    """Resolve the global id of what a record is about; None for what has none."""
    entity = _ENTITIES.get(root.target_kind)
    return None if entity is None else encode_id(entity, root.target_id)


def target_of(record: AuditRecord) -> Target:
    """Return what a record's target is loaded by."""
    return record.target_kind, record.target_id


def plan_target(info: Info) -> Load:
    """Plan what records are about, as far as it is still there and the principal may see it; by kind and id."""
    principal = info.context.principal
    return Load(_targets, (frozenset(kind for kind, entity in _ENTITIES.items() if principal.has(SCOPES[entity])),))


async def _targets(session: Session, keys: Sequence[Target], seen: frozenset[str]) -> Mapping[Target, Any]:
    wanted: dict[str, list[uuid.UUID]] = defaultdict(list)
    for kind, identifier in keys:
        if kind in seen:
            wanted[kind].append(identifier)
    found: dict[Target, Any] = {}
    for kind, ids in wanted.items():
        entities = await NODES[_ENTITIES[kind]](session).by_ids(ids)
        found.update(((kind, identifier), entity) for identifier, entity in entities.items())
    return found
