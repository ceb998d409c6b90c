import pytest

from ampyard.services.backend import Backend
from tests.services.admin import Tenant, new_tenant


@pytest.fixture
async def tenant(backend: Backend) -> Tenant:
    """A tenant of the test's own."""
    return await new_tenant(backend)
