"""What every use case is given: where to store, where to read events, what time it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import Principal
from ampyard.domain.clock import utc_now
from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.files import FileStore
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.events import EventHub


@dataclass(frozen=True, slots=True)
class Backend:
    """The ports of one process."""

    database: Database
    events: EventHub
    files: FileStore
    documents: SharedDocuments | None = None  # without it each process knows only its own
    budgets: Budgets | None = None  # without it everybody may have all they want
    clock: Callable[[], datetime] = utc_now

    def unit_of_work(self, principal: Principal) -> UnitOfWork:
        """Return a unit of work for what `principal` is about to change."""
        return UnitOfWork(self.database, principal, now=self.clock())
