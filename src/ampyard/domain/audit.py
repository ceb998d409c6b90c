import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """That somebody did something: `author` did `action` to the `target_kind` with `target_id`. It is never changed.

    `author` is `<kind>:<subject>`, and tells who acted in another's place: `user:anna (by support@example.org)`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    at: datetime
    author: str
    action: str
    target_kind: str
    target_id: uuid.UUID
    detail: dict[str, Any]
