from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated
from strawberry.scalars import JSON

from ampyard.domain import audit as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed, edge
from ampyard.repositories import audit as repository
from ampyard.repositories.audit import AuditRecords
from ampyard.resolvers import audit as resolvers
from ampyard.resolvers.edges import by_id, references_to
from ampyard.resolvers.ids import decode_any
from ampyard.resolvers.lists import Listing
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

AUDIT_RECORDS = Listing("auditRecords", AuditRecords, "AT", default_descending=True)


@strawberry.enum(description="What audit records can be ordered by.")
class AuditRecordOrderField(Enum):
    AT = "AT"


@strawberry.input(description="The order of a list of audit records.")
class AuditRecordOrder:
    field: AuditRecordOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which audit records to list.")
class AuditRecordFilter:
    author: str | None = strawberry.field(default=None, description="Only what this author did, exactly as records name them.")
    action: str | None = strawberry.field(default=None, description="Only this action, such as priority.set.")
    target_kind: str | None = strawberry.field(default=None, description="Only what was done to this kind of thing, such as charge_point.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="Only what was done to this.")
    since: datetime | None = strawberry.field(default=None, description="Only from this time on.")
    until: datetime | None = strawberry.field(default=None, description="Only before this time.")

    def narrowing(self) -> repository.AuditFilter:
        """Return the filter as the repository takes it."""
        target = None if self.target_id is None else decode_any("filter.targetId", self.target_id)[1]
        return repository.AuditFilter(self.author, self.action, self.target_kind, target, self.since, self.until)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="That somebody did something; it is never changed.")
class AuditRecord(Node):
    at: datetime = strawberry.field(description="When it was done.")
    author: str = strawberry.field(
        description="Who did it, such as user:anna; and for support, as whom: user:anna (by administrator:root)."
    )
    action: str = strawberry.field(description="What was done, such as priority.set.")
    target_kind: str = strawberry.field(description="What kind of thing it was done to, such as charge_point.")
    target_id: strawberry.ID | None = computed(
        resolvers.resolve_target_id, reads=["target_kind", "target_id"], description="What it was done to; null for what has no global id."
    )
    target: Node | None = edge(
        resolvers.plan_target,
        key=resolvers.target_of,
        reads=["target_kind", "target_id"],
        description="What it was done to, as it now is; null where it is gone, or not for you.",
    )
    detail: JSON = strawberry.field(description="What else is known of it.")
    is_type_of = staticmethod(shows(domain.AuditRecord))
    resolve_references = staticmethod(references_to(domain.AuditRecord))


@strawberry.type
class AuditQueries:
    audit_record: AuditRecord | None = by_id(domain.AuditRecord, description="One audit record; null when it does not exist.")
    audit_records: Connection[AuditRecord] = connection(
        AUDIT_RECORDS,
        description="The audit log: every change of configuration, access and priorities, and every command; newest first unless told.",
        filter_type=AuditRecordFilter,
        order_type=AuditRecordOrder,
        scope=Scope.AUDIT_READ,
    )
