import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.run import run_fleet
from tests.simulator.csms import Csms16, Csms21, Csms201

Central = Csms16 | Csms201
Running = Callable[..., AbstractAsyncContextManager[asyncio.Task[None]]]


_CENTRALS: dict[str, type[Central]] = {"1.6": Csms16, "2.0.1": Csms201, "2.1": Csms21}


@pytest.fixture(params=_CENTRALS)
def ocpp_version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def csms(ocpp_version: str) -> AsyncIterator[Central]:
    async with _CENTRALS[ocpp_version]() as central:
        yield central


@pytest.fixture
def fleet_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a fleet of one charge point with one EVSE and one vehicle; keyword arguments replace its facts."""

    def write(ocpp_version: str, *, current_type: str = "AC", vehicles: int = 1, **vehicle: Any) -> Path:
        spec = {
            "charge_points": [
                {
                    "identity": "CP 1",
                    "password": "secret",
                    "ocpp_version": ocpp_version,
                    "vendor": "Maker",
                    "model": "Model",
                    "serial_number": "S-1",
                    "firmware_version": "1.0",
                    "current_type": current_type,
                    "fallback_kw": 4.2,
                    "depot": "Yard",
                    "evses": [{"evse_no": 1, "max_power_kw": 22.0, "phases": 3, "connector_type": "cType2"}],
                }
            ],
            "vehicles": [
                {
                    "name": "Van",
                    "depot": "Yard",
                    "id_tag": "TAG-1",
                    "battery_kwh": 60.0,
                    "max_ac_kw": 11.0,
                    "max_dc_kw": 50.0,
                    "initial_soc_percent": 20.0,
                    "target_soc_percent": 90.0,
                }
                | vehicle
            ][:vehicles],
        }
        path = tmp_path / "fleet.json"
        path.write_text(json.dumps(spec))
        return path

    return write


def fast_options(url: str, fleet: Path, **changes: Any) -> SimulatorOptions:
    """Return options with which everything happens within tenths of a second."""
    facts: dict[str, Any] = {
        "url": url,
        "fleet": fleet,
        "meter_interval_s": 0.1,
        "step_s": 0.05,
        "arrival_window_s": 0.0,
        "backoff_s": (0.05, 0.1),
        "retry_interval_s": 0.05,
    }
    return SimulatorOptions(**facts | changes)


@asynccontextmanager
async def running(options: SimulatorOptions) -> AsyncIterator[asyncio.Task[None]]:
    """Run a fleet as a task; leaving is a power-off."""
    task = asyncio.create_task(run_fleet(options))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()
