from collections.abc import AsyncIterator

import pytest

from ampyard.services.backend import Backend
from tests.services.dispatching import Yard, new_yard
from tests.vdv463.presystem import Access, new_access, serving


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


@pytest.fixture
async def access(yard: Yard) -> AsyncIterator[Access]:
    async with serving(yard.backend) as port:
        yield await new_access(yard, port)
