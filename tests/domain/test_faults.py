import uuid
from datetime import UTC, datetime

from ampyard.domain.faults import Fault, FaultChanges, FaultScope, FaultSource, ReportedFault, fault_changes
from ampyard.domain.ids import new_id

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
EVSE, CONNECTOR, OTHER = (uuid.uuid4() for _ in range(3))
HERE = FaultScope(FaultSource.STATUS, EVSE, CONNECTOR)


def fault(code: str, *, vendor_code: str | None = None, scope: FaultScope = HERE) -> Fault:
    return Fault(
        id=new_id(),
        tenant_id=uuid.uuid4(),
        charge_point_id=uuid.uuid4(),
        evse_id=scope.evse_id,
        connector_id=scope.connector_id,
        source=scope.source,
        code=code,
        vendor_id=None,
        vendor_code=vendor_code,
        info=None,
        component=scope.component,
        variable=scope.variable,
        raised_at=T0,
        cleared_at=None,
    )


def test_a_first_report_raises() -> None:
    assert fault_changes([], HERE, ReportedFault("GroundFailure")) == FaultChanges((), None, is_new=True)


def test_the_same_report_again_changes_nothing() -> None:
    known = fault("OtherError", vendor_code="E42")
    reported = ReportedFault("OtherError", vendor_code="E42", info="still")
    assert fault_changes([known], HERE, reported) == FaultChanges((), known, is_new=False)


def test_another_code_takes_the_place_of_the_one_before() -> None:
    known = fault("OtherError", vendor_code="E42")
    assert fault_changes([known], HERE, ReportedFault("OtherError", vendor_code="E43")) == FaultChanges((known,), None, is_new=True)


def test_nothing_wrong_clears_all_there_but_nothing_elsewhere() -> None:
    here, twice = fault("GroundFailure"), fault("WeakSignal")
    elsewhere = fault("GroundFailure", scope=FaultScope(FaultSource.STATUS, EVSE, OTHER))
    of_all = fault("PowerMeterFailure", scope=FaultScope(FaultSource.STATUS, None, None))
    event = fault("Connector.Problem", scope=FaultScope(FaultSource.EVENT, EVSE, CONNECTOR, "Connector", "Problem"))
    everything = [here, twice, elsewhere, of_all, event]
    assert fault_changes(everything, HERE, None) == FaultChanges((here, twice), None, is_new=False)
    assert fault_changes(everything, event.scope, None) == FaultChanges((event,), None, is_new=False)
