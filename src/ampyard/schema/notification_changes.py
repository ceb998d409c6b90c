"""Changes of notification channels, tests of them, and deliveries tried again."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.domain.alerts import AlertSeverity as Severity
from ampyard.resolvers import notifications as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.enums import AlertSeverity, NotificationChannelKind
from ampyard.schema.errors import Change, Payload
from ampyard.schema.notifications import QUIET_BEGIN, QUIET_END, QUIET_PASSES, QUIET_ZONE, NotificationChannel, NotificationDelivery

_NAME = "Its name, unique in the tenant; 100 characters at most."
_GROUP = "It is told only of what is in this resource group, or in one below it."
_ADDRESSES = "Whom mail goes to, 1 to 50 addresses without names; of EMAIL."
_URL = "Where a webhook is posted to, by https, at an address of the public internet; of WEBHOOK."
_QUIET = "When it is told of little, or nothing."
_SECRET = "What a webhook is signed with (Standard Webhooks), shown this once; null for mail, and to whoever repeats the request."  # noqa: S105 - a text about it


@strawberry.input(description="Which alerts a channel is told of.")
class NotificationRouteInput:
    alert_rule_id: strawberry.ID | None = strawberry.field(default=None, description="Those of this rule; of any unless told.")
    min_severity: AlertSeverity = strawberry.field(default=Severity.INFO, description="Those that are so serious, or more.")
    tells_resolved: bool = strawberry.field(default=False, description="Whether it is told of their end, too.")


@strawberry.input(description="Hours of each day in which only grave alerts are told of.")
class QuietHoursInput:
    begin: str = strawberry.field(description=QUIET_BEGIN)
    end: str = strawberry.field(description=QUIET_END)
    time_zone: str = strawberry.field(description=QUIET_ZONE)
    passes: AlertSeverity | None = strawberry.field(default=None, description=QUIET_PASSES)


@strawberry.input(description="A new notification channel.")
class CreateNotificationChannelInput(Change):
    name: str = strawberry.field(description=_NAME)
    kind: NotificationChannelKind = strawberry.field(description="Which way it is.")
    enabled: bool = strawberry.field(default=True, description="Whether it is switched on.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=f"{_GROUP} Of all unless told.")
    addresses: list[str] = strawberry.field(default_factory=list, description=_ADDRESSES)
    url: str | None = strawberry.field(default=strawberry.UNSET, description=_URL)
    quiet_hours: QuietHoursInput | None = strawberry.field(default=strawberry.UNSET, description=_QUIET)
    routes: list[NotificationRouteInput] = strawberry.field(
        default_factory=list, description="Which alerts it is told of; of none unless told. 100 at most, one a rule."
    )


@strawberry.input(description="Changes of a notification channel; what is left out stays.")
class EditNotificationChannelInput(Change):
    notification_channel_id: strawberry.ID = strawberry.field(description="The channel.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=_NAME)
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it is switched on.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=f"{_GROUP} Null: of all.")
    addresses: list[str] | None = strawberry.field(default=strawberry.UNSET, description=_ADDRESSES)
    url: str | None = strawberry.field(default=strawberry.UNSET, description=_URL)
    quiet_hours: QuietHoursInput | None = strawberry.field(default=strawberry.UNSET, description=f"{_QUIET} Null: never.")
    routes: list[NotificationRouteInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Which alerts it is told of, in place of all it was told of before."
    )


@strawberry.input(description="A notification channel to do something with.")
class NotificationChannelInput(Change):
    notification_channel_id: strawberry.ID = strawberry.field(description="The channel.")


@strawberry.input(description="Have a delivery tried at once.")
class RetryNotificationDeliveryInput(Change):
    notification_delivery_id: strawberry.ID = strawberry.field(description="The delivery: one that was given up, or that waits.")


@strawberry.federation.type(directives=[Authenticated()], description="A notification channel that was changed.")
class NotificationChannelPayload(Payload):
    channel: NotificationChannel | None = strawberry.field(description="The channel as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A notification channel, with what a webhook is signed with.")
class NotificationChannelSecretPayload(Payload):
    channel: NotificationChannel | None = strawberry.field(description="The channel as it now is; null where the change was refused.")
    secret: str | None = strawberry.field(description=_SECRET)


@strawberry.federation.type(directives=[Authenticated()], description="A notification channel that was removed.")
class RemoveNotificationChannelPayload(Payload):
    removed: bool | None = strawberry.field(description="True; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A delivery that will be tried at once.")
class NotificationDeliveryPayload(Payload):
    delivery: NotificationDelivery | None = strawberry.field(
        description="The delivery, which tells what comes of it; null where the change was refused."
    )


@strawberry.type
class NotificationMutations:
    create_notification_channel: NotificationChannelSecretPayload = mutation(
        NotificationChannelSecretPayload,
        resolvers.create_channel,
        CreateNotificationChannelInput,
        Scope.ALERTS_CONFIGURE,
        description="Make a notification channel.",
    )
    edit_notification_channel: NotificationChannelPayload = mutation(
        NotificationChannelPayload,
        resolvers.edit_channel,
        EditNotificationChannelInput,
        Scope.ALERTS_CONFIGURE,
        description="Change a notification channel.",
    )
    renew_webhook_secret: NotificationChannelSecretPayload = mutation(
        NotificationChannelSecretPayload,
        resolvers.renew_secret,
        NotificationChannelInput,
        Scope.ALERTS_CONFIGURE,
        description="Give a webhook a new secret; the old one is of no use from then on.",
    )
    remove_notification_channel: RemoveNotificationChannelPayload = mutation(
        RemoveNotificationChannelPayload,
        resolvers.remove_channel,
        NotificationChannelInput,
        Scope.ALERTS_CONFIGURE,
        description="Remove a notification channel, with what is known of its deliveries.",
    )
    test_notification_channel: NotificationDeliveryPayload = mutation(
        NotificationDeliveryPayload,
        resolvers.send_test,
        NotificationChannelInput,
        Scope.ALERTS_CONFIGURE,
        description="Send a test to a notification channel at once, even to one that is switched off.",
    )
    retry_notification_delivery: NotificationDeliveryPayload = mutation(
        NotificationDeliveryPayload,
        resolvers.retry_delivery,
        RetryNotificationDeliveryInput,
        Scope.ALERTS_CONFIGURE,
        description="Have a delivery tried at once that was given up, or that waits.",
    )
