"""Credentials of OCPI 2.2.1 (chapter 7): a hub has a role of its own."""

from pydantic import Field

from ampyard.ocpi.v2_2_1.locations import BusinessDetails
from ampyard.ocpi.v2_2_1.types import Role
from ampyard.ocpi.wire import credentials as shared
from ampyard.ocpi.wire.types import Many


class CredentialsRole(shared.CredentialsRole):
    role: Role
    business_details: BusinessDetails


class Credentials(shared.Credentials):
    roles: Many[CredentialsRole] = Field(min_length=1)
