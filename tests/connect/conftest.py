from collections.abc import AsyncIterator

import pytest

from ampyard.connect.options import ConnectOptions
from ampyard.connect.server import ConnectServer
from ampyard.services.backend import Backend
from tests.connect.points import serving


@pytest.fixture(scope="package")
async def server(backend: Backend) -> AsyncIterator[ConnectServer]:
    """A connect process that is a little less patient with silent charge points than it usually is."""
    async with serving(backend, ConnectOptions(boot_grace_s=0.3)) as running:
        yield running
