from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from ampyard.migrations import upgrade
from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database, connect_asyncpg
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.webhooks import WebhookSender
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.vault import Vault
from tests.busy import Busy, busy_tenant

# Machines that run many things at once are slow now and then; that is no error.
settings.register_profile("ampyard", deadline=None)
settings.load_profile("ampyard")


# Secrets can be locked up, and nobody is reached.
NOTIFIER = Notifier(Vault(b"tests"), WebhookSender(), None, "https://ampyard.example.org")


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL and Valkey of this test run, started, on a folder of their own."""
    # Not pytest's temporary folder: as root the servers run as another user, and pytest closes that folder to others whenever it starts.
    with TemporaryDirectory(prefix="ampyard-test-") as folder, EmbeddedServers(Path(folder) / "home", durable=False) as embedded:
        embedded.start(print)
        yield embedded


@pytest.fixture(scope="session")
async def backend(servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """A migrated database, event streams and a file folder, as one process of the product sees them."""
    await upgrade(servers.database_owner_url, print)
    database = Database(servers.database_url)
    redis = connect_redis(servers.redis_url)
    hub = EventHub(EventStream(redis))
    budgets = Budgets(redis)
    yield Backend(database=database, events=hub, files=FolderFiles(tmp_path_factory.mktemp("files")), budgets=budgets, notifier=NOTIFIER)
    await hub.close()
    await budgets.close()
    await redis.aclose()
    await database.dispose()


@pytest.fixture(scope="session")
async def busy(backend: Backend) -> Busy:
    """A tenant that tests read and leave as it is."""
    return await busy_tenant(backend)


@pytest.fixture(scope="session")
async def twin(backend: Backend) -> Busy:
    """Another tenant with the same in it, to be left as it is too."""
    return await busy_tenant(backend)


@pytest.fixture
async def owner_url(servers: EmbeddedServers, backend: Backend) -> AsyncIterator[str]:
    """A database of its own, owned by a role that may do nothing else but work as the application role.

    An administrator has made the two roles of the whole server before, here by migrating `backend`'s database.
    """
    name = f"owner_{uuid4().hex[:8]}"
    admin = await connect_asyncpg(servers.database_owner_url)
    await admin.execute(f"CREATE ROLE {name} LOGIN")
    await admin.execute(f"GRANT ampyard_app TO {name}")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield make_url(servers.database_owner_url).set(username=name, database=name).render_as_string(hide_password=False)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()
