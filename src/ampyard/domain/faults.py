"""Faults: what a charge point says is wrong with it, from when until when."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FaultSource(StrEnum):
    """STATUS: a status notification, which says all that is wrong with its connector. EVENT: an event of OCPP 2.0.1, of one variable."""

    STATUS = "STATUS"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class ReportedFault:
    """What is wrong, in the charge point's words.

    `code` is the standard's (ChargePointErrorCode, OCPP 1.6, 7.6) or, of an event, the variable that tells of it;
    `vendor_code` the vendor's own (vendorErrorCode, or techCode of OCPP 2.0.1).
    """

    code: str
    vendor_id: str | None = None
    vendor_code: str | None = None
    info: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a charge point, of one of its EVSEs, or of a connector; open while `cleared_at` is `None`."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID | None
    connector_id: uuid.UUID | None
    source: FaultSource
    code: str
    vendor_id: str | None
    vendor_code: str | None
    info: str | None
    component: str | None
    variable: str | None
    raised_at: datetime
    cleared_at: datetime | None

    @property
    def scope(self) -> "FaultScope":
        """What it is about."""
        of_event = self.source is FaultSource.EVENT
        return FaultScope(self.source, self.evse_id, self.connector_id, *((self.component, self.variable) if of_event else (None, None)))


@dataclass(frozen=True, slots=True)
class FaultScope:
    """What a report speaks of: a connector or the whole charge point, or (EVENT) one variable of a component.

    A report says all there is to say of its scope: a fault of it that it does not name is over.
    """

    source: FaultSource
    evse_id: uuid.UUID | None
    connector_id: uuid.UUID | None
    component: str | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class FaultChanges:
    """What a report means for the faults that were open: which are over, which goes on, and whether there is a new one."""

    over: tuple[Fault, ...]
    goes_on: Fault | None
    is_new: bool


def fault_changes(open_faults: Iterable[Fault], scope: FaultScope, reported: ReportedFault | None) -> FaultChanges:
    """Return what a report makes of a charge point's open faults; `None`: nothing is wrong within the scope."""
    here = [fault for fault in open_faults if fault.scope == scope]
    same = [fault for fault in here if reported is not None and (fault.code, fault.vendor_code) == (reported.code, reported.vendor_code)]
    goes_on = same[0] if same else None
    return FaultChanges(tuple(fault for fault in here if fault is not goes_on), goes_on, reported is not None and goes_on is None)
