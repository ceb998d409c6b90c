"""Into which stretches of time a plan is cut: fine for what is near, coarser further out, where little is certain anyway."""

from datetime import UTC, datetime, timedelta

from ampyard.domain.planning.model import Slot

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# How long slots are, up to how far from now. The last length goes on to any horizon.
_LENGTHS = ((QUARTER, timedelta(hours=12)), (2 * QUARTER, timedelta(hours=24)), (4 * QUARTER, timedelta.max))


def slots(now: datetime, horizon: timedelta) -> tuple[Slot, ...]:
    """Return the slots from `now` on, without gaps, until the horizon is covered.

    The first lasts to the next quarter-hour. Quarter-hours follow for 12 hours, half-hours until 24, hours from there on. Each slot
    after the first begins on a multiple of its length (of UTC), so that prices and limits, which change on quarter-hours and hours, are
    the same over it; where lengths change, shorter ones go on until that is so.

    Raises:
        ValueError: `now` has no time zone, or the horizon is not more than 0.
    """
    if now.tzinfo is None:
        raise ValueError(f"The plan begins at {now}, which has no time zone; give an aware time.")
    if horizon <= timedelta(0):
        raise ValueError(f"The horizon is {horizon}; it must be more than 0.")
    made: list[Slot] = []
    at = now
    while at < now + horizon:
        length = next(length for length, until in _LENGTHS if at - now < until)
        while (at - _EPOCH) % length and length > QUARTER:
            length /= 2
        following = at - (at - _EPOCH) % QUARTER + length
        made.append(Slot(at, following))
        at = following
    return tuple(made)
