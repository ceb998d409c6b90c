"""What is kept free for what EVSEs draw while no limit of ours is in force, on each line.

Whatever vehicle is there now, the next one may use other phases: what an EVSE falls back to counts on all lines it is wired to. What the
vehicle that is there can take of that is its own; the rest is kept beside it.
"""

from ampyard.domain.allocation.inputs import EvseFacts
from ampyard.domain.power import Lines, Reserved, line_shares

_NOTHING_KW = 1e-6


def own_part_kw(evse: EvseFacts, lines: Lines, kw: float) -> float:
    """Return what a vehicle on these lines can take of what an EVSE falls back to, in kW: as much as that has on each of them."""
    if evse.line_kw is None and lines is evse.lines:
        return kw
    on_each = zip(line_shares(lines), _kept(evse, kw), strict=True)
    return min(kw, *(kept / share for share, kept in on_each if share > 0))


def rest_of_fallback(evse: EvseFacts, lines: Lines, kw: float, voltage_v: float) -> Reserved | None:
    """Return what has to be kept of a fall-back beside what a vehicle on these lines can take of it; None where that is nothing.

    `voltage_v` is that of the EVSE's node, between phase and neutral.
    """
    own_kw = own_part_kw(evse, lines, kw)
    if evse.line_kw is None and lines is evse.lines:
        return None
    on_each = zip(_kept(evse, kw), line_shares(lines), strict=True)
    first, second, third = (max(0.0, kept - share * own_kw) for kept, share in on_each)
    if max(kw - own_kw, first, second, third) < _NOTHING_KW:
        return None
    return Reserved(
        evse.node_id, max(0.0, kw - own_kw), line_a=(first * 1000 / voltage_v, second * 1000 / voltage_v, third * 1000 / voltage_v)
    )


def _kept(evse: EvseFacts, kw: float) -> tuple[float, float, float]:
    """Return what a fall-back takes of each line at most, in kW between it and neutral."""
    if evse.line_kw is not None:
        return (min(kw, evse.line_kw),) * 3
    first, second, third = line_shares(evse.lines)
    return first * kw, second * kw, third * kw
