from types import MappingProxyType

from ampyard.domain.parties import OcpiCredential, OcpiParty
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


class OcpiParties(Repository[OcpiParty]):
    entity = OcpiParty
    table = tables.ocpi_party
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "NAME": table.c.name})


class OcpiCredentials(Repository[OcpiCredential]):
    entity = OcpiCredential
    table = tables.ocpi_credential
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "PARTNER_NAME": table.c.partner_name})
