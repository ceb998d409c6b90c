from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import alerts
from ampyard.domain.access import Scope
from ampyard.domain.notifications import channels, deliveries
from ampyard.engine import computed, list_size
from ampyard.repositories import notifications as repository
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import AlertRules, Alerts
from ampyard.repositories.notifications import Channels, Deliveries, DeliveryItems, Routes
from ampyard.resolvers import notifications as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.alert_rules import AlertRule
from ampyard.schema.enums import AlertSeverity, NotificationChannelKind, NotificationDeliveryState, NotifiedChange
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.alerts import Alert
    from ampyard.schema.resource_groups import ResourceGroup

QUIET_BEGIN = "When they begin, such as 22:00."
QUIET_END = "When they end; on the next day, where that is not after their begin."
QUIET_ZONE = "Their time zone (IANA name)."
QUIET_PASSES = "How serious an alert must be to be told of meanwhile; null: none is. The others are told of when they end."


@strawberry.enum(description="What notification channels can be ordered by.")
class NotificationChannelOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of notification channels.")
class NotificationChannelOrder:
    field: NotificationChannelOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which notification channels to list.")
class NotificationChannelFilter:
    kind: NotificationChannelKind | None = strawberry.field(default=None, description="Only those of this kind.")
    enabled: bool | None = strawberry.field(default=None, description="Only those that are switched on, or off.")

    def narrowing(self) -> repository.ChannelFilter:
        """Return the filter as the repository takes it."""
        return repository.ChannelFilter(self.kind, self.enabled)


@strawberry.enum(description="What deliveries can be ordered by.")
class NotificationDeliveryOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of deliveries.")
class NotificationDeliveryOrder:
    field: NotificationDeliveryOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which deliveries to list.")
class NotificationDeliveryFilter:
    state: NotificationDeliveryState | None = strawberry.field(default=None, description="Only those in this state.")
    notification_channel_id: strawberry.ID | None = strawberry.field(default=None, description="Only those to this channel.")
    alert_id: strawberry.ID | None = strawberry.field(default=None, description="Only those that tell of this alert.")
    created_from: datetime | None = strawberry.field(default=None, description="Only those begun at this time or later.")
    created_to: datetime | None = strawberry.field(default=None, description="Only those begun before this time.")

    def narrowing(self) -> repository.DeliveryFilter:
        """Return the filter as the repository takes it."""
        return repository.DeliveryFilter(
            state=self.state,
            channel_id=optional_id("filter.notificationChannelId", self.notification_channel_id, channels.NotificationChannel),
            alert_id=optional_id("filter.alertId", self.alert_id, alerts.Alert),
            created_from=self.created_from,
            created_to=self.created_to,
        )


@strawberry.federation.type(directives=[Authenticated()], description="Hours of each day in which only grave alerts are told of.")
class QuietHours:
    begin: str = strawberry.field(description=QUIET_BEGIN)
    end: str = strawberry.field(description=QUIET_END)
    time_zone: str = strawberry.field(description=QUIET_ZONE)
    passes: AlertSeverity | None = strawberry.field(description=QUIET_PASSES)


@strawberry.federation.type(directives=[Authenticated()], description="Which alerts a channel is told of.")
class NotificationRoute:
    rule: AlertRule | None = to_one(AlertRules, "rule_id", description="Those of this rule; null: of any.")
    min_severity: AlertSeverity = strawberry.field(description="Those that are so serious, or more.")
    tells_resolved: bool = strawberry.field(description="Whether it is told of their end, too.")


@strawberry.federation.type(directives=[Authenticated()], description="A change of an alert that a delivery tells of.")
class NotificationItem:
    alert: Annotated["Alert", strawberry.lazy("ampyard.schema.alerts")] | None = to_one(
        Alerts, "alert_id", description="The alert; null where the caller may not see it."
    )
    change: NotifiedChange = strawberry.field(description="What became of it.")
    at: datetime = strawberry.field(description="When.")


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="What was told to a channel in one go, or is to be; of a test, nothing."
)
class NotificationDelivery(Node):
    state: NotificationDeliveryState = strawberry.field(description="How far it has come.")
    is_test: bool = strawberry.field(description="Whether it is a test.")
    attempts: int = strawberry.field(description="How often it was tried.")
    due_at: datetime = strawberry.field(description="When it is tried next, or was last.")
    created_at: datetime = strawberry.field(description="When it was begun.")
    finished_at: datetime | None = strawberry.field(description="When it was made, or given up.")
    status_code: int | None = strawberry.field(description="What a webhook answered last (HTTP status).")
    error: str | None = strawberry.field(description="Why the last try failed; of mail that was taken, who was refused.")
    channel: Annotated["NotificationChannel", strawberry.lazy("ampyard.schema.notifications")] | None = to_one(
        Channels, "channel_id", description="Whom it goes to."
    )
    items: list[NotificationItem] = to_many(DeliveryItems, "of_deliveries", description="What it tells of, oldest first.")
    is_type_of = staticmethod(shows(deliveries.NotificationDelivery))
    resolve_references = staticmethod(references_to(deliveries.NotificationDelivery))


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A way to tell people or systems of alerts: by mail, or by a signed webhook."
)
class NotificationChannel(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    kind: NotificationChannelKind = strawberry.field(description="Which way it is.")
    enabled: bool = strawberry.field(description="Whether it is switched on.")
    addresses: list[str] = strawberry.field(description="Whom mail goes to.", directives=[list_size(5)])
    url: str | None = strawberry.field(description="Where a webhook is posted to.")
    quiet_hours: QuietHours | None = computed(
        resolvers.quiet_hours,
        reads=["quiet_begin", "quiet_end", "quiet_time_zone", "quiet_passes"],
        description="When it is told of little, or nothing; null where it always is.",
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    resource_group: Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")] | None = to_one(
        ResourceGroups, "resource_group_id", description="The resource group of which alone it is told, if there is one."
    )
    routes: list[NotificationRoute] = to_many(Routes, "of_channels", description="Which alerts it is told of; without any, of none.")
    deliveries: Connection[NotificationDelivery] = connection(
        Listing("notificationChannel.deliveries", Deliveries, "CREATED_AT", default_descending=True, parent=Deliveries.table.c.channel_id),
        description="What went there, and what is to, newest first unless told; for 90 days.",
        filter_type=NotificationDeliveryFilter,
        order_type=NotificationDeliveryOrder,
    )
    is_type_of = staticmethod(shows(channels.NotificationChannel))
    resolve_references = staticmethod(references_to(channels.NotificationChannel))


@strawberry.type
class NotificationQueries:
    notification_channel: NotificationChannel | None = by_id(
        channels.NotificationChannel, description="One notification channel; null when it does not exist."
    )
    notification_channels: Connection[NotificationChannel] = connection(
        Listing("notificationChannels", Channels, "NAME"),
        description="All notification channels, by name unless told.",
        filter_type=NotificationChannelFilter,
        order_type=NotificationChannelOrder,
        scope=Scope.FLEET_READ,
    )
    notification_delivery: NotificationDelivery | None = by_id(
        deliveries.NotificationDelivery, description="One delivery; null when it does not exist."
    )
    notification_deliveries: Connection[NotificationDelivery] = connection(
        Listing("notificationDeliveries", Deliveries, "CREATED_AT", default_descending=True),
        description="What went to all channels, and what is to, newest first unless told; for 90 days.",
        filter_type=NotificationDeliveryFilter,
        order_type=NotificationDeliveryOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class NotificationSubscriptions:
    notification_delivery_updated: AsyncIterator[NotificationDelivery] = scoped_subscription(
        subscriptions.notification_delivery_updated, Scope.FLEET_READ, description="Deliveries as they are tried."
    )
