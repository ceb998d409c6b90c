"""The life of a charge point, from the plan to the scrap yard."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ampyard.domain.errors import ConflictError


class ChargePointState(StrEnum):
    """Where a charge point is in its life.

    PLANNED: drawn in, not yet there; its first boot commissions it. COMMISSIONED: there and being tested. IN_SERVICE: for use;
    its uptime counts. OUT_OF_SERVICE: taken out by a person; time that no planned downtime covers counts as down. RETIRED: gone
    for good: it may not log in and is left out of lists, but keeps its history and its identity, which nobody else may have.
    """

    PLANNED = "PLANNED"
    COMMISSIONED = "COMMISSIONED"
    IN_SERVICE = "IN_SERVICE"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    RETIRED = "RETIRED"

    @property
    def operated(self) -> bool:
        """Whether its availability is recorded, and its uptime counts."""
        return self in {ChargePointState.IN_SERVICE, ChargePointState.OUT_OF_SERVICE}


# Whoever is in service is taken out of it before it is retired, so that nobody loses a charger by one wrong click.
TRANSITIONS: Final = MappingProxyType(
    {
        ChargePointState.PLANNED: frozenset({ChargePointState.COMMISSIONED, ChargePointState.RETIRED}),
        ChargePointState.COMMISSIONED: frozenset({ChargePointState.IN_SERVICE, ChargePointState.RETIRED}),
        ChargePointState.IN_SERVICE: frozenset({ChargePointState.OUT_OF_SERVICE}),
        ChargePointState.OUT_OF_SERVICE: frozenset({ChargePointState.IN_SERVICE, ChargePointState.RETIRED}),
        ChargePointState.RETIRED: frozenset[ChargePointState](),
    }
)


def check_transition(identity: str, present: ChargePointState, wanted: ChargePointState) -> None:
    """Raise `ConflictError`, naming what is possible, unless a charge point may go from one state to the other."""
    possible = TRANSITIONS[present]
    if wanted in possible:
        return
    if not possible:
        raise ConflictError(f"{identity} is {present}, which is final; create a new charge point instead.")
    names = " or ".join(sorted(possible))
    raise ConflictError(f"{identity} is {present} and cannot become {wanted}; it can become {names}.")
