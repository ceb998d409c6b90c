"""What every use case is given: where to store, where to read events, what time it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import WHOLE_TENANT, Principal, Scope
from ampyard.domain.clock import utc_now
from ampyard.domain.tenants import NO_TENANT
from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database, Snapshot
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.files import FileStore
from ampyard.repositories.presence import Presence
from ampyard.repositories.requests import Request
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.events import EventHub
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.planning.solving import Solver


@dataclass(frozen=True, slots=True)
class Backend:
    """The ports of one process."""

    database: Database
    events: EventHub
    files: FileStore
    documents: SharedDocuments | None = None  # without it each process knows only its own
    budgets: Budgets | None = None  # without it everybody may have all they want
    presence: Presence | None = None  # without it nobody knows which processes run
    clock: Callable[[], datetime] = utc_now
    notifier: Notifier | None = None  # without it nobody is told of alerts
    solver: Solver | None = None  # without it nothing is planned
    request: Request | None = None  # which request this is done for, where its answer is to be kept

    def snapshot(self, principal: Principal) -> Snapshot:
        """Return a read snapshot of what `principal` may read: of a tenant; or, by one who is of none, of the tenants (ADR 0017)."""
        if principal.tenant_id == NO_TENANT:
            return self.database.system_snapshot()
        return self.database.snapshot(principal.tenant_id, principal.reach())

    def unit_of_work(self, principal: Principal, scope: Scope | None = None) -> UnitOfWork:
        """Return a unit of work for what `principal` is about to change: within its reach by `scope`, beyond which nothing is there.

        Raises:
            TypeError: no scope is named for a principal who is confined to resource groups.
        """
        if scope is None and principal.grants:
            raise TypeError(f"{principal.author} has grants on resource groups: name the scope that this change needs.")
        reach = WHOLE_TENANT if scope is None else principal.reach(scope)
        return UnitOfWork(self.database, principal, reach=reach, now=self.clock(), request=self.request)
