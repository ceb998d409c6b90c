"""Requests that are answered once: whoever repeats one with the same idempotency key is told what became of the first."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from ampyard.domain.ids import new_id
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.tables import answered_request

# What two that are answered at the same time run into; the second finds the answer of the first.
ANSWERED_ONCE = "uq_answered_request_tenant_id_author_key"


@dataclass(frozen=True, slots=True)
class Request:
    """A change that is asked for under an idempotency key. `digest` tells its input from another's."""

    key: str
    operation: str
    digest: str


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request and what it was answered with: by payload field a JSON scalar, an entity's type and id, or a list of these."""

    request: Request
    answer: dict[str, Any]


async def answered(session: Session, author: str, key: str) -> AnsweredRequest | None:
    """Return what an author's key was used for, or `None`."""
    column = answered_request.c
    row = await session.fetch_one(
        select(column.key, column.operation, column.digest, column.answer).where(column.author == author, column.key == key)
    )
    return None if row is None else AnsweredRequest(Request(row[0], row[1], row[2]), row[3])


async def keep_answer(
    session: WriteSession, tenant_id: uuid.UUID, author: str, request: Request, answer: dict[str, Any], *, at: datetime
) -> None:
    """Keep what a request is answered with. The database refuses a second answer (`ANSWERED_ONCE`)."""
    await session.execute(
        insert(answered_request).values(
            id=new_id(),
            tenant_id=tenant_id,
            author=author,
            key=request.key,
            operation=request.operation,
            digest=request.digest,
            answer=answer,
            created_at=at,
        )
    )


async def remove_answers(session: WriteSession, *, before: datetime) -> int:
    """Forget the tenant's requests that were answered before a moment; returns how many."""
    return await session.execute(delete(answered_request).where(answered_request.c.created_at < before))
