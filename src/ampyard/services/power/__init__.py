"""The *now* step of a depot: its state is read, `domain.allocation` decides, what changed is sent, and why is kept."""

from ampyard.services.power.replaying import ReplayedAllocation, replay_allocations, replay_transaction
from ampyard.services.power.ticking import tick

__all__ = ["ReplayedAllocation", "replay_allocations", "replay_transaction", "tick"]
