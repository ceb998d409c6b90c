"""What is computed of a transaction."""

from ampyard.domain.transactions import StopReason, Transaction


def stop_reason_kind(root: Transaction) -> StopReason | None:
    """Return why it ended, typed."""
    return root.stop_reason_kind
