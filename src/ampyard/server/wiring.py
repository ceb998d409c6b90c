"""Putting a process together: from settings to ports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.files import FileStore, FolderFiles, S3Files
from ampyard.repositories.mail import Mailer
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.webhooks import WebhookSender
from ampyard.server.settings import Settings
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.vault import Vault


@asynccontextmanager
async def open_backend(settings: Settings, name: str) -> AsyncIterator[Backend]:
    """Yield the ports of one process, closed on leaving. Nothing connects before it is used."""
    database = Database(settings.resolved_database_url, application_name=f"ampyard {name}")
    redis = connect_redis(settings.resolved_redis_url)
    hub = EventHub(EventStream(redis))
    budgets = Budgets(redis)
    try:
        yield Backend(
            database=database,
            events=hub,
            files=_files(settings),
            documents=SharedDocuments(redis),
            budgets=budgets,
            notifier=_notifier(settings),
        )
    finally:
        await hub.close()
        await budgets.close()
        await redis.aclose()
        await database.dispose()


def _notifier(settings: Settings) -> Notifier:
    server = settings.smtp_server
    return Notifier(
        vault=Vault(settings.key),
        webhooks=WebhookSender(private_allowed=settings.webhooks_private),
        mailer=Mailer(server) if server is not None else None,
        alerts_url=settings.base_url,
    )


def _files(settings: Settings) -> FileStore:
    if settings.s3_bucket is None:
        return FolderFiles(settings.home / "files")
    return S3Files(settings.s3_bucket, endpoint_url=settings.s3_endpoint_url, region=settings.s3_region)
