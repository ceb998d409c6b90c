from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How a simulated fleet is run.

    Attributes:
        url: Where charge points connect, without the identity: ``ws://host:port/ocpp``.
        charge_points: How many to run: the first of the fleet file (None: all), or how many to make up (None: 24).
        speed: How much faster than real time vehicles come, stay, go and fill; power, energy registers and protocol
            intervals stay in wall time.
        seed: Fixes every decision of the simulated world.
        fleet: Fleet file; without it a fleet is made up from the seed.
        state: Folder in which each charge point keeps what it must not forget; without it a restart forgets everything.
        password: HTTP basic password of charge points whose fleet entry has none.
        meter_interval_s: Wall-clock seconds between meter values of a transaction.
        step_s: Wall-clock seconds between steps of the physical model, at most 1.
        connection_timeout_s: How long a remote start waits for a vehicle.
        arrival_window_s: Wall-clock seconds over which the vehicles present at the start plug in.
        backoff_s: First and longest pause before reconnecting.
        response_timeout_s: How long an answer is awaited before the link counts as dead.
        retry_interval_s: Pause before a transaction message that was answered with an error is sent again.
    """

    url: str
    charge_points: int | None = None
    speed: float = 1.0
    seed: int = 1
    fleet: Path | None = None
    state: Path | None = None
    password: str = ""
    meter_interval_s: float = 5.0
    step_s: float = 1.0
    connection_timeout_s: float = 60.0
    arrival_window_s: float = 45.0
    backoff_s: tuple[float, float] = (0.5, 10.0)
    response_timeout_s: float = 30.0
    retry_interval_s: float = 5.0
