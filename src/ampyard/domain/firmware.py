import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FirmwareStatus:
    """A step of a firmware update as the charge point told of it.

    `status` is its word (FirmwareStatus, OCPP 1.6, 7.25; FirmwareStatusEnumType, OCPP 2.0.1 part 2, 3.32); `request_id` says
    which update it is about, where the protocol tells.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    status: str
    request_id: int | None
    reported_at: datetime
