"""Whether transactions are billed."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ampyard.domain.anomalies import Anomaly, NotBillable, not_billable
from ampyard.engine import Load, edge
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.database import Session
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES


async def reasons(session: Session, transaction_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, NotBillable | None]:
    """Why each transaction is not billed; None: it is."""
    known = await Anomalies(session).of_transactions(transaction_ids, reads=frozenset({"resolution"}))
    return {one: not_billable(known.get(one, ())) for one in transaction_ids}


def plan_reason(info: Info) -> Load:
    """Plan why a transaction is not billed; by its id."""
    info.context.principal.require(SCOPES[Anomaly])
    return Load(reasons)


def plan_billable(info: Info) -> Load:
    """Plan whether a transaction is billed; by its id."""
    info.context.principal.require(SCOPES[Anomaly])
    return Load(reasons, show=_billable)


def _billable(_transaction: Any, reason: NotBillable | None) -> bool:
    return reason is None


def billable(*, description: str) -> Any:
    """Return an edge to whether a transaction is billed."""
    return edge(plan_billable, key="id", description=description)


def not_billable_because(*, description: str) -> Any:
    """Return an edge to why a transaction is not billed."""
    return edge(plan_reason, key="id", description=description)
