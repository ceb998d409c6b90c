"""ClientInfo of OCPI 2.3.0 (chapter 15)."""

from ampyard.ocpi.v2_3_0.types import Role
from ampyard.ocpi.wire import hub_client_info as shared


class ClientInfo(shared.ClientInfo):
    role: Role
