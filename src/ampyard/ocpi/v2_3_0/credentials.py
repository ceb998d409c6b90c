"""Credentials of OCPI 2.3.0 (chapter 7): a hub names itself beside the parties it can reach."""

from pydantic import Field

from ampyard.ocpi.v2_3_0.types import Role
from ampyard.ocpi.wire import credentials as shared
from ampyard.ocpi.wire.types import CiString, Many


class CredentialsRole(shared.CredentialsRole):
    role: Role


class Credentials(shared.Credentials):
    """`hub_party_id` is country and party id of the hub, one behind the other."""

    hub_party_id: CiString | None = Field(default=None, min_length=5, max_length=5)
    roles: Many[CredentialsRole] = Field(min_length=1)
