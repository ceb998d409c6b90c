"""Putting a process together: from settings to ports."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from redis.exceptions import RedisError

from ampyard.domain.clock import utc_now
from ampyard.domain.health import ProcessHealth
from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.files import FileStore, FolderFiles, S3Files
from ampyard.repositories.mail import Mailer
from ampyard.repositories.presence import Presence
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.webhooks import WebhookSender
from ampyard.server.settings import Settings
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from ampyard.services.health import VERSION
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.planning.solving import SolverProcess
from ampyard.services.tasks import end
from ampyard.services.vault import Vault

_TELL_EVERY_S = 5.0


@asynccontextmanager
async def open_backend(settings: Settings, name: str) -> AsyncIterator[Backend]:
    """Yield the ports of one process, closed on leaving. Nothing connects before it is used."""
    database = Database(settings.resolved_database_url, application_name=f"ampyard {name}")
    redis = connect_redis(settings.resolved_redis_url)
    hub = EventHub(EventStream(redis))
    budgets = Budgets(redis)
    solver = SolverProcess()
    try:
        yield Backend(
            database=database,
            events=hub,
            files=_files(settings),
            documents=SharedDocuments(redis),
            budgets=budgets,
            notifier=_notifier(settings),
            presence=Presence(redis),
            solver=solver,
        )
    finally:
        await solver.close()
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


@asynccontextmanager
async def running(settings: Settings, role: str) -> AsyncIterator[Backend]:
    """Yield the ports of a process that goes on until it is stopped, and tell all the while that it runs."""
    async with open_backend(settings, role) as backend:
        assert backend.presence is not None
        telling = asyncio.create_task(_tell(backend.presence, role), name="presence")
        try:
            yield backend
        finally:
            await end([telling])


async def _tell(presence: Presence, role: str) -> None:
    started_at = utc_now()
    process = ProcessHealth(role, f"{socket.gethostname()}:{os.getpid()}", VERSION, started_at, started_at)
    try:
        while True:
            with suppress(OSError, RedisError):
                await presence.seen(replace(process, seen_at=utc_now()))
            await asyncio.sleep(_TELL_EVERY_S)
    finally:
        with suppress(OSError, RedisError):
            await presence.gone(process)


def _files(settings: Settings) -> FileStore:
    if settings.s3_bucket is None:
        return FolderFiles(settings.home / "files")
    return S3Files(settings.s3_bucket, endpoint_url=settings.s3_endpoint_url, region=settings.s3_region)
