"""Why migrating stops."""

from ampyard.domain.errors import ConflictError


class NoWayDownError(ConflictError):
    """A revision cannot be undone; the message says why. Raised by its `downgrade()`, before anything is changed."""
