"""What is needed to tell anybody anything."""

from dataclasses import dataclass

from ampyard.repositories.mail import Mailer
from ampyard.repositories.webhooks import WebhookSender
from ampyard.services.vault import Vault


@dataclass(frozen=True, slots=True)
class Notifier:
    """The ports of notification.

    Args:
        vault: keeps the secrets of webhooks.
        webhooks: calls them.
        mailer: sends mail; None where no SMTP server is set.
        alerts_url: where people look at alerts.
    """

    vault: Vault
    webhooks: WebhookSender
    mailer: Mailer | None
    alerts_url: str
