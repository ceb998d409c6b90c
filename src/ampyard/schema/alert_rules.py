from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import alerts as domain
from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories import alerts as repository
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import AlertRules
from ampyard.repositories.depots import Depots
from ampyard.resolvers import alerts as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import AlertKind, AlertSeverity
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot
    from ampyard.schema.resource_groups import ResourceGroup


def _bounds(name: str) -> str:
    """Say for each kind that has a parameter within which bounds it is, and what unless it is set."""
    told: dict[str, list[str]] = {}
    for kind, parameters in domain.PARAMETERS.items():
        if name in parameters:
            bounds = parameters[name]
            told.setdefault(f"{bounds.least:g} to {bounds.most:g}, {bounds.default:g} unless set", []).append(kind.value)
    return "; ".join(f"{', '.join(kinds)}: {text}" for text, kinds in told.items())


_AFTER = "For how long it must have been so, in s, before there is an alert."
_CLEAR_AFTER = "For how long it must have been over, in s, before the alert ends by itself."
_MARGIN = "By how much of its limit a power node must be above it, in percent; null for other kinds than OVER_LIMIT."
_WITHIN = "For how long before a departure readiness is looked at, in minutes; null for other kinds than NOT_READY."
_AT_RISK = "Whether an assignment that is at risk counts, too; null for other kinds than NOT_READY."
_DOWNTIME = "Whether nothing of a charge point counts while that is down as planned; of OFFLINE, FAULTED and NOT_CHARGING."


@strawberry.enum(description="What alert rules can be ordered by.")
class AlertRuleOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of alert rules.")
class AlertRuleOrder:
    field: AlertRuleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which alert rules to list.")
class AlertRuleFilter:
    kind: AlertKind | None = strawberry.field(default=None, description="Only those of this kind.")
    enabled: bool | None = strawberry.field(default=None, description="Only those that are switched on, or off.")

    def narrowing(self) -> repository.AlertRuleFilter:
        """Return the filter as the repository takes it."""
        return repository.AlertRuleFilter(self.kind, self.enabled)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="When there is to be an alert, and how serious it is.")
class AlertRule(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    kind: AlertKind = strawberry.field(description="What it looks for.")
    severity: AlertSeverity = strawberry.field(description="How serious its alerts are.")
    enabled: bool = strawberry.field(description="Whether it is switched on.")
    after_s: int = strawberry.field(description=_AFTER)
    clear_after_s: int = strawberry.field(description=_CLEAR_AFTER)
    margin_percent: float | None = strawberry.field(description=_MARGIN)
    within_minutes: int | None = strawberry.field(description=_WITHIN)
    include_at_risk: bool | None = strawberry.field(description=_AT_RISK)
    honours_downtime: bool = strawberry.field(description=_DOWNTIME)
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    resource_group: Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")] | None = to_one(
        ResourceGroups, "resource_group_id", description="The resource group that it is confined to, if it is confined to one."
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot that it is confined to, if it is confined to one."
    )
    is_type_of = staticmethod(shows(domain.AlertRule))
    resolve_references = staticmethod(references_to(domain.AlertRule))


@strawberry.input(description="A new alert rule: for a resource group, for a depot, or for the whole tenant.")
class CreateAlertRuleInput(Change):
    name: str = strawberry.field(description="Its name, unique in the tenant; 100 characters at most.")
    kind: AlertKind = strawberry.field(description="What it looks for.")
    severity: AlertSeverity = strawberry.field(description="How serious its alerts are.")
    enabled: bool = strawberry.field(default=True, description="Whether it is switched on.")
    resource_group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only what is in this resource group, or in one below it."
    )
    depot_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Only what is in this depot.")
    after_s: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_AFTER} {_bounds('after_s')}.")
    clear_after_s: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_CLEAR_AFTER} {_bounds('clear_after_s')}.")
    margin_percent: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_MARGIN} {_bounds('margin_percent')}.")
    within_minutes: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_WITHIN} {_bounds('within_minutes')}.")
    include_at_risk: bool | None = strawberry.field(default=strawberry.UNSET, description=f"{_AT_RISK} It does unless told.")
    honours_downtime: bool | None = strawberry.field(default=strawberry.UNSET, description=f"{_DOWNTIME} Yes unless told.")


@strawberry.input(description="Changes of an alert rule; what is left out stays, null brings a default back.")
class EditAlertRuleInput(Change):
    alert_rule_id: strawberry.ID = strawberry.field(description="The rule.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name, unique in the tenant; 100 characters at most.")
    severity: AlertSeverity | None = strawberry.field(default=strawberry.UNSET, description="How serious its alerts are.")
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it is switched on. Switched off, its alerts are resolved."
    )
    resource_group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only what is in this resource group, or in one below it; null: not confined to one."
    )
    depot_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only what is in this depot; null: not confined to one."
    )
    after_s: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_AFTER} {_bounds('after_s')}.")
    clear_after_s: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_CLEAR_AFTER} {_bounds('clear_after_s')}.")
    margin_percent: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_MARGIN} {_bounds('margin_percent')}.")
    within_minutes: int | None = strawberry.field(default=strawberry.UNSET, description=f"{_WITHIN} {_bounds('within_minutes')}.")
    include_at_risk: bool | None = strawberry.field(default=strawberry.UNSET, description=_AT_RISK)
    honours_downtime: bool | None = strawberry.field(default=strawberry.UNSET, description=_DOWNTIME)


@strawberry.input(description="Remove an alert rule: its open alerts are resolved, and all of them stay.")
class RemoveAlertRuleInput(Change):
    alert_rule_id: strawberry.ID = strawberry.field(description="The rule to remove.")


@strawberry.input(description="Add the rules that a new tenant has, as far as their names are not taken.")
class AddDefaultAlertRulesInput(Change):
    pass


@strawberry.federation.type(directives=[Authenticated()], description="An alert rule that was made or changed.")
class AlertRulePayload(Payload):
    alert_rule: AlertRule | None = strawberry.field(description="The rule as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="Alert rules that were added.")
class AlertRulesPayload(Payload):
    alert_rules: list[AlertRule] | None = strawberry.field(
        description="The rules that are new; null where the change was refused.", directives=[list_size(7)]
    )


@strawberry.federation.type(directives=[Authenticated()], description="An alert rule that was removed.")
class RemoveAlertRulePayload(Payload):
    removed: bool | None = strawberry.field(description="True; null where the change was refused.")


@strawberry.type
class AlertRuleQueries:
    alert_rule: AlertRule | None = by_id(domain.AlertRule, description="One alert rule; null when it does not exist.")
    alert_rules: Connection[AlertRule] = connection(
        Listing("alertRules", AlertRules, "NAME"),
        description="All alert rules, by name unless told.",
        filter_type=AlertRuleFilter,
        order_type=AlertRuleOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class AlertRuleMutations:
    create_alert_rule: AlertRulePayload = mutation(
        AlertRulePayload, resolvers.create_alert_rule, CreateAlertRuleInput, Scope.ALERTS_CONFIGURE, description="Make an alert rule."
    )
    edit_alert_rule: AlertRulePayload = mutation(
        AlertRulePayload, resolvers.edit_alert_rule, EditAlertRuleInput, Scope.ALERTS_CONFIGURE, description="Change an alert rule."
    )
    remove_alert_rule: RemoveAlertRulePayload = mutation(
        RemoveAlertRulePayload,
        resolvers.remove_alert_rule,
        RemoveAlertRuleInput,
        Scope.ALERTS_CONFIGURE,
        description="Remove an alert rule; its open alerts are resolved.",
    )
    add_default_alert_rules: AlertRulesPayload = mutation(
        AlertRulesPayload,
        resolvers.add_default_alert_rules,
        AddDefaultAlertRulesInput,
        Scope.ALERTS_CONFIGURE,
        description="Add the rules that a new tenant has, as far as their names are not taken.",
    )
