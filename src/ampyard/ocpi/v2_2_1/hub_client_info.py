"""ClientInfo of OCPI 2.2.1 (chapter 15)."""

from ampyard.ocpi.v2_2_1.types import Role
from ampyard.ocpi.wire import hub_client_info as shared


class ClientInfo(shared.ClientInfo):
    role: Role
