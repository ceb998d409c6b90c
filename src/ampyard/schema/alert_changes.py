"""What people do about alerts."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.resolvers import alerts as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.alerts import Alert
from ampyard.schema.errors import Change, Payload

_NOTE = "What to note with it; 2,000 characters at most."


@strawberry.input(description="Alerts to do something about, all of them or none.")
class HandleAlertsInput(Change):
    alert_ids: list[strawberry.ID] = strawberry.field(description="The alerts; 200 at most.")
    note: str | None = strawberry.field(default=strawberry.UNSET, description=_NOTE)


@strawberry.input(description="Leave a note at an alert.")
class NoteAlertInput(Change):
    alert_id: strawberry.ID = strawberry.field(description="The alert.")
    note: str = strawberry.field(description="The note; 2,000 characters at most.")


@strawberry.federation.type(directives=[Authenticated()], description="Alerts about which something was done.")
class AlertsPayload(Payload):
    alerts: list[Alert] | None = strawberry.field(
        description="The alerts as they now are, in the order asked for; null where the change was refused.", directives=[list_size(10)]
    )


@strawberry.federation.type(directives=[Authenticated()], description="An alert about which something was done.")
class AlertPayload(Payload):
    alert: Alert | None = strawberry.field(description="The alert as it now is; null where the change was refused.")


@strawberry.type
class AlertMutations:
    acknowledge_alerts: AlertsPayload = mutation(
        AlertsPayload,
        resolvers.acknowledge_alerts,
        HandleAlertsInput,
        Scope.ALERTS_HANDLE,
        description="Say that somebody looks after alerts.",
    )
    resolve_alerts: AlertsPayload = mutation(
        AlertsPayload,
        resolvers.resolve_alerts,
        HandleAlertsInput,
        Scope.ALERTS_HANDLE,
        description="End alerts by hand; no other opens for the same until what they are about has been over.",
    )
    note_alert: AlertPayload = mutation(
        AlertPayload, resolvers.note_alert, NoteAlertInput, Scope.ALERTS_HANDLE, description="Leave a note at an alert."
    )
