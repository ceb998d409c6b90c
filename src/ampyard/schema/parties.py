from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import parties as domain
from ampyard.domain.access import Scope
from ampyard.repositories.parties import OcpiCredentials, OcpiParties
from ampyard.resolvers import parties as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to
from ampyard.resolvers.lists import Listing
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

PARTIES = Listing("ocpiParties", OcpiParties, "CREATED_AT")
CREDENTIALS = Listing("ocpiCredentials", OcpiCredentials, "CREATED_AT", default_descending=True)


@strawberry.enum(description="What parties can be ordered by.")
class OcpiPartyOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


@strawberry.input(description="The order of a list of parties.")
class OcpiPartyOrder:
    field: OcpiPartyOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.enum(description="What partners' credentials can be ordered by.")
class OcpiCredentialOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    PARTNER_NAME = "PARTNER_NAME"


@strawberry.input(description="The order of a list of partners' credentials.")
class OcpiCredentialOrder:
    field: OcpiCredentialOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="What the tenant is in the roaming network (OCPI).")
class OcpiParty(Node):
    country_code: str = strawberry.field(description="Its country: two capitals of ISO 3166-1.")
    party_id: str = strawberry.field(description="Its id there: three capitals or digits.")
    name: str = strawberry.field(description="What partners call it.")
    created_at: datetime = strawberry.field(description="When it was added.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.OcpiParty))
    resolve_references = staticmethod(references_to(domain.OcpiParty))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="What a roaming partner comes with.")
class OcpiCredential(Node):
    partner_name: str = strawberry.field(description="What people call the partner.")
    prefix: str | None = strawberry.field(description="What its token begins with; the rest is kept nowhere. Null for older ones.")
    author: str | None = strawberry.field(description="Who made it; null for what came with the installation.")
    created_at: datetime = strawberry.field(description="When it was made.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    is_type_of = staticmethod(shows(domain.OcpiCredential))
    resolve_references = staticmethod(references_to(domain.OcpiCredential))


@strawberry.input(description="A new party.")
class CreateOcpiPartyInput(Change):
    country_code: str = strawberry.field(description="Its country: two capitals of ISO 3166-1, such as DE.")
    party_id: str = strawberry.field(description="Its id there: three capitals or digits.")
    name: str = strawberry.field(description="What partners call it; 100 characters at most.")


@strawberry.input(description="Change a party; what is left out stays.")
class EditOcpiPartyInput(Change):
    ocpi_party_id: strawberry.ID = strawberry.field(description="The party.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What partners call it; not null.")


@strawberry.input(description="Remove a party.")
class RemoveOcpiPartyInput(Change):
    ocpi_party_id: strawberry.ID = strawberry.field(description="The party.")


@strawberry.input(description="A token for a roaming partner.")
class CreateOcpiCredentialInput(Change):
    partner_name: str = strawberry.field(description="What people call the partner; 100 characters at most.")


@strawberry.input(description="Call a partner otherwise.")
class RenameOcpiCredentialInput(Change):
    ocpi_credential_id: strawberry.ID = strawberry.field(description="The credential.")
    partner_name: str = strawberry.field(description="What people call the partner from now on.")


@strawberry.input(description="Have a partner's token refused.")
class RevokeOcpiCredentialInput(Change):
    ocpi_credential_id: strawberry.ID = strawberry.field(description="The credential.")


@strawberry.federation.type(directives=[Authenticated()], description="A party that was changed.")
class OcpiPartyPayload(Payload):
    ocpi_party: OcpiParty | None = strawberry.field(description="The party as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="What was removed.")
class RemoveOcpiPartyPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(description="The party that is no more; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A credential that was made, and its token.")
class CreateOcpiCredentialPayload(Payload):
    ocpi_credential: OcpiCredential | None = strawberry.field(description="The credential; null where it was refused.")
    token: str | None = strawberry.field(
        description="The token, to be given to the partner. It is shown this once, not even again under the same idempotency key."
    )


@strawberry.federation.type(directives=[Authenticated()], description="A credential that was changed.")
class OcpiCredentialPayload(Payload):
    ocpi_credential: OcpiCredential | None = strawberry.field(description="The credential as it now is; null where the change was refused.")


@strawberry.type
class PartyQueries:
    ocpi_party: OcpiParty | None = by_id(domain.OcpiParty, description="One party; null when it does not exist.")
    ocpi_parties: Connection[OcpiParty] = connection(
        PARTIES,
        description="All parties, oldest first unless told.",
        filter_type=None,
        order_type=OcpiPartyOrder,
        scope=Scope.SETTINGS_READ,
    )
    ocpi_credential: OcpiCredential | None = by_id(
        domain.OcpiCredential, description="One partner's credential; null when it does not exist."
    )
    ocpi_credentials: Connection[OcpiCredential] = connection(
        CREDENTIALS,
        description="All partners' credentials, newest first unless told.",
        filter_type=None,
        order_type=OcpiCredentialOrder,
        scope=Scope.SETTINGS_READ,
    )


@strawberry.type
class PartyMutations:
    create_ocpi_party: OcpiPartyPayload = mutation(
        OcpiPartyPayload, resolvers.create_party, CreateOcpiPartyInput, Scope.SETTINGS_WRITE, description="Add a party."
    )
    edit_ocpi_party: OcpiPartyPayload = mutation(
        OcpiPartyPayload, resolvers.edit_party, EditOcpiPartyInput, Scope.SETTINGS_WRITE, description="Change a party's name."
    )
    remove_ocpi_party: RemoveOcpiPartyPayload = mutation(
        RemoveOcpiPartyPayload, resolvers.remove_party, RemoveOcpiPartyInput, Scope.SETTINGS_WRITE, description="Remove a party."
    )
    create_ocpi_credential: CreateOcpiCredentialPayload = mutation(
        CreateOcpiCredentialPayload,
        resolvers.create_credential,
        CreateOcpiCredentialInput,
        Scope.SETTINGS_WRITE,
        description="Make a token for a roaming partner.",
    )
    rename_ocpi_credential: OcpiCredentialPayload = mutation(
        OcpiCredentialPayload,
        resolvers.rename_credential,
        RenameOcpiCredentialInput,
        Scope.SETTINGS_WRITE,
        description="Call a roaming partner otherwise.",
    )
    revoke_ocpi_credential: OcpiCredentialPayload = mutation(
        OcpiCredentialPayload,
        resolvers.revoke_credential,
        RevokeOcpiCredentialInput,
        Scope.SETTINGS_WRITE,
        description="Have a roaming partner's token refused from now on.",
    )
