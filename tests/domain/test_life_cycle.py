import pytest

from ampyard.domain.errors import ConflictError
from ampyard.domain.life_cycle import TRANSITIONS, ChargePointState, check_transition

PLANNED, COMMISSIONED, IN_SERVICE, OUT_OF_SERVICE, RETIRED = ChargePointState


def test_the_table_says_of_every_state_what_may_follow() -> None:
    allowed = {(before, after) for before, possible in TRANSITIONS.items() for after in possible}
    assert set(TRANSITIONS) == set(ChargePointState)
    assert allowed == {
        (PLANNED, COMMISSIONED),
        (PLANNED, RETIRED),
        (COMMISSIONED, IN_SERVICE),
        (COMMISSIONED, RETIRED),
        (IN_SERVICE, OUT_OF_SERVICE),
        (OUT_OF_SERVICE, IN_SERVICE),
        (OUT_OF_SERVICE, RETIRED),
    }


@pytest.mark.parametrize("before", ChargePointState)
@pytest.mark.parametrize("after", ChargePointState)
def test_only_what_the_table_allows_passes(before: ChargePointState, after: ChargePointState) -> None:
    if after in TRANSITIONS[before]:
        check_transition("CP-1", before, after)
    else:
        with pytest.raises(ConflictError, match=f"CP-1 is {before}"):
            check_transition("CP-1", before, after)


def test_a_refusal_names_what_is_possible() -> None:
    with pytest.raises(ConflictError) as refused:
        check_transition("CP-1", OUT_OF_SERVICE, PLANNED)
    assert str(refused.value) == "CP-1 is OUT_OF_SERVICE and cannot become PLANNED; it can become IN_SERVICE or RETIRED."
    with pytest.raises(ConflictError) as refused:
        check_transition("CP-1", RETIRED, IN_SERVICE)
    assert str(refused.value) == "CP-1 is RETIRED, which is final; create a new charge point instead."


def test_what_is_not_in_operation_has_no_uptime() -> None:
    assert [state for state in ChargePointState if state.operated] == [IN_SERVICE, OUT_OF_SERVICE]
