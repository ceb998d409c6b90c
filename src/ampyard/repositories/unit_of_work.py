"""The unit of work: everything a use case changes, with its events and audit records, in one transaction."""

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any, Self, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.access import WHOLE_TENANT, Principal, Reach
from ampyard.domain.errors import ForbiddenError, NotFoundError
from ampyard.domain.events import CHANGES_PLANS, Event
from ampyard.domain.ids import new_id
from ampyard.domain.imports import ImportReport
from ampyard.repositories.database import Database, WriteSession, set_reach
from ampyard.repositories.repository import Repository, array
from ampyard.repositories.requests import Request, keep_answer
from ampyard.repositories.tables import audit_record, outbox

E = TypeVar("E")

OUTBOX_CHANNEL = "ampyard_outbox"
PLANNER_CHANNEL = "ampyard_planner"
PLANS_CHANNEL = "ampyard_plans"
COMMAND_CHANNEL = "ampyard_commands"
SOCKET_CHANNEL = "ampyard_sockets"
SUSPENSION_CHANNEL = "ampyard_suspensions"


class UnitOfWork:
    """A transaction of one tenant by one principal.

    Use as an async context manager and call `commit` at the end of the use case; leaving without it rolls back. Events
    and wake-ups collected on the way become visible with the commit, never before.
    """

    def __init__(self, database: Database, principal: Principal, *, reach: Reach, now: datetime, request: Request | None = None) -> None:
        self.principal = principal
        self.now = now
        self.session: WriteSession = database.session(principal.tenant_id, reach)
        self._reach = self._reach_now = reach
        self._request = request
        self._answer: dict[str, Any] | None = None
        self._events: list[Event] = []
        self._notifications: dict[tuple[str, str], None] = {}

    @property
    def tenant_id(self) -> uuid.UUID:
        """The tenant whose rows this unit of work sees."""
        return self.principal.tenant_id

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.session.close()

    async def add(self, repository: type[Repository[E]], *entities: E, **extra: Any) -> None:
        """Insert entities; `extra` holds columns that no entity shows."""
        names = [field.name for field in fields(repository.entity)]
        rows = [{name: getattr(entity, name) for name in names} | extra for entity in entities]
        await self.session.execute(insert(repository.table), rows)

    async def change(self, repository: type[Repository[Any]], entity_id: uuid.UUID, **values: Any) -> None:
        """Set columns of one row."""
        table = repository.table
        await self.session.execute(update(table).where(table.c.id == entity_id).values(**values))

    async def remove(self, repository: type[Repository[Any]], entity_id: uuid.UUID) -> None:
        """Delete one row, with what the database says goes with it."""
        table = repository.table
        await self.session.execute(delete(table).where(table.c.id == entity_id))

    async def lock(self, repository: type[Repository[E]], entity_id: uuid.UUID) -> E | None:
        """Return one entity, locked against other writers until the commit, or `None`. Rows may still refer to it meanwhile."""
        statement = select(*repository.columns()).where(repository.table.c.id == entity_id).with_for_update(key_share=True)
        row = await self.session.fetch_one(statement)
        return None if row is None else repository.entity(*row)

    async def lock_all(self, repository: type[Repository[E]], ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, E]:
        """Return those entities that there are, locked as by `lock`, one after another by id: two who do so never wait for each other."""
        statement = select(*repository.columns()).where(repository.table.c.id == func.any(array(ids))).order_by(repository.table.c.id)
        rows = await self.session.fetch(statement.with_for_update(key_share=True))
        return {row.id: repository.entity(*row) for row in rows}

    async def require(self, repository: type[Repository[E]], entity_id: uuid.UUID, kind: str) -> E:
        """Return an entity that is to be changed, locked.

        Raises:
            NotFoundError: there is none, or none that the principal may see; `kind` says of what.
            ForbiddenError: it may be seen, but not changed.
        """
        found = await self.lock(repository, entity_id)
        if found is None:
            if await self._is_seen(repository, entity_id):
                raise ForbiddenError(f"{self.principal.author} may see this {kind}, but not do this to it.")
            raise NotFoundError(f"There is no such {kind}.")
        return found

    async def _is_seen(self, repository: type[Repository[Any]], entity_id: uuid.UUID) -> bool:
        readable = self.principal.reach()
        if readable == self._reach:
            return False
        async with self.within(readable):
            return await repository(self.session).by_id(entity_id, reads=frozenset({"id"})) is not None

    @asynccontextmanager
    async def whole_tenant(self) -> AsyncIterator[None]:
        """See the whole tenant for a while: for a rule that must hold for things that the principal may not see."""
        async with self.within(WHOLE_TENANT):
            yield

    @asynccontextmanager
    async def within(self, reach: Reach) -> AsyncIterator[None]:
        """See and change only what is in another reach for a while; a statement that fails leaves it, and ends the transaction."""
        before, self._reach_now = self._reach_now, reach
        await self._set_reach(reach)
        yield
        self._reach_now = before
        await self._set_reach(before)

    async def _set_reach(self, reach: Reach) -> None:
        async with self.session.driver() as connection:
            await connection.execute(set_reach(reach))

    def answers(self, **fields: Any) -> None:
        """Say what the change is answered with: by payload field an entity, a list of entities, what an import did, or a JSON scalar.

        It is kept where the request has an idempotency key, and given again to whoever repeats it.
        """
        self._answer = {name: _reference(value) for name, value in fields.items()}

    def publish(self, event: Event) -> None:
        """Have an event published after the commit."""
        self._events.append(event)

    def notify(self, channel: str, payload: str) -> None:
        """Wake those who listen on a channel after the commit."""
        self._notifications[channel, payload] = None

    def wake_planner(self, depot_id: uuid.UUID) -> None:
        """Have the depot's power shared anew at once after the commit."""
        self.notify(PLANNER_CHANNEL, f"{self.tenant_id}:{depot_id}")

    async def audit(
        self, action: str, target_kind: str, target_id: uuid.UUID, *, record_id: uuid.UUID | None = None, **detail: Any
    ) -> None:
        """Leave an audit record of what the principal did. One with a `record_id` that is there already is left as it is."""
        statement = insert(audit_record).values(
            id=record_id or new_id(),
            tenant_id=self.tenant_id,
            at=self.now,
            author=self.principal.author,
            action=action,
            target_kind=target_kind,
            target_id=target_id,
            detail=detail,
        )
        await self.session.execute(statement.on_conflict_do_nothing())

    async def commit(self) -> None:
        """Write the collected events and commit. Once this returns, everything is on disk."""
        if self._events:
            await self.session.execute(
                insert(outbox),
                [
                    {
                        "tenant_id": self.tenant_id,
                        "kind": event.kind.value,
                        "aggregate_id": event.aggregate_id,
                        "depot_id": event.depot_id,
                        "payload": event.payload,
                        "occurred_at": self.now,
                    }
                    for event in self._events
                ],
            )
            self.notify(OUTBOX_CHANNEL, "")
            for event in self._events:
                if event.kind in CHANGES_PLANS:
                    # Of which depot is not always known: then of all.
                    self.notify(PLANS_CHANNEL, f"{self.tenant_id}:{event.depot_id or ''}")
        if self._request is not None:
            if self._answer is None:
                raise RuntimeError(f"{self._request.operation} has an idempotency key, but does not say what it is answered with.")
            await keep_answer(self.session, self.tenant_id, self.principal.author, self._request, self._answer, at=self.now)
        for channel, payload in self._notifications:
            await self.session.fetch(select(func.pg_notify(channel, payload)))
        await self.session.commit()


def _reference(value: Any) -> Any:
    """Return an entity as its type's name and its id, a list of them one by one, what an import did in numbers, and JSON as it is."""
    if isinstance(value, (list, tuple)):
        return [_reference(one) for one in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, ImportReport):
        # Only an import without errors is committed.
        return {"lines": value.lines, "created": value.created, "updated": value.updated}
    return {"type": type(value).__name__, "id": str(value.id)}
