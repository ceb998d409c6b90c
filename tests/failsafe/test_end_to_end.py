"""Whatever fails, every node is under its limit again within the time that ADR 0034 states: real sockets, simulated charge points."""

import pytest

from ampyard.domain.allocation import SETTLE
from ampyard.services.backend import Backend
from tests.failsafe.sites import BUILDING_KW, CUT_KW, GRID_KW, LATE_S, METER_INTERVAL_S, METER_MAX_AGE_S, TROUBLE_S, Site, run

pytestmark = pytest.mark.slow

# A step comes at once when something changes, and every three seconds otherwise; a second goes to messages and to the charger.
STEP_S = 3.0
TRANSPORT_S = 2.0
# Seen by its meter, known after the time it is given to follow, taken from others by the next step.
OVERDRAW_S = SETTLE.total_seconds() + METER_INTERVAL_S + STEP_S + TRANSPORT_S


@pytest.fixture(scope="module")
async def sites(backend: Backend) -> dict[str, Site]:
    return await run(backend)


def steady(site: Site) -> None:
    """All that there is is used before the trouble, and no more."""
    assert site.over_s() == [] or site.over_s()[0] >= TROUBLE_S
    assert site.mean_kw("Grid", TROUBLE_S - 3, TROUBLE_S) > 0.85 * GRID_KW


def test_half_the_grid_limit(sites: dict[str, Site]) -> None:
    site = sites["grid-cut"]
    steady(site)
    assert 0 < site.reaction_s(TROUBLE_S) <= TRANSPORT_S
    assert site.mean_kw("Grid", TROUBLE_S + 10, TROUBLE_S + 20) > 0.9 * CUT_KW


def test_without_a_planner_no_node_is_overloaded_and_what_plugs_in_draws_its_fallback(sites: dict[str, Site]) -> None:
    site = sites["planner-killed"]
    assert site.over_s() == []
    alone = site.points[3].spec.identity
    drawn = [kw for at_s, kw in site.by_point[alone] if TROUBLE_S + 12 < at_s < TROUBLE_S + 25]
    assert max(drawn) == pytest.approx(10.0)
    # Once there is one again, it gets its share.
    assert site.by_point[alone][-1][1] > 15.0


def test_a_silent_site_meter_is_replaced_by_its_fallback_before_anything_can_be_overloaded(sites: dict[str, Site]) -> None:
    site = sites["site-meter-lost"]
    steady(site)
    assert site.over_s() == []
    charging_kw = [kw for at_s, kw in site.loads["Grid"] if TROUBLE_S + METER_MAX_AGE_S + STEP_S + TRANSPORT_S < at_s < TROUBLE_S + 14]
    assert max(charging_kw) <= CUT_KW + BUILDING_KW + 0.5


def test_without_any_link_all_draw_their_fallbacks(sites: dict[str, Site]) -> None:
    site = sites["links-cut"]
    steady(site)
    assert site.over_s() == []
    assert site.mean_kw("Grid", TROUBLE_S + 2, TROUBLE_S + 19) <= GRID_KW
    assert site.mean_kw("Grid", TROUBLE_S + 32, TROUBLE_S + 38) > 0.85 * GRID_KW


def test_one_that_ignores_limits_is_paid_for_by_the_others(sites: dict[str, Site]) -> None:
    site = sites["limits-ignored"]
    # From when it is plugged in, and again when the limit is lowered.
    assert [at_s for at_s in site.over_s() if OVERDRAW_S + 2 < at_s < TROUBLE_S] == []
    assert site.reaction_s(TROUBLE_S) <= TRANSPORT_S + STEP_S
    first, *others = ([kw for at_s, kw in flows if at_s > TROUBLE_S + 10] for flows in site.by_point.values())
    assert min(first) == pytest.approx(50.0)
    assert max(sum(at_once) for at_once in zip(*others, strict=True)) <= 40.5


def test_one_that_is_late_is_paid_for_by_the_others_until_it_obeys(sites: dict[str, Site]) -> None:
    site = sites["late-to-obey"]
    steady(site)
    assert 0 < site.reaction_s(TROUBLE_S) <= OVERDRAW_S
    late, *others = site.by_point.values()
    waiting = [kw for at_s, kw in late if TROUBLE_S + OVERDRAW_S < at_s < TROUBLE_S + LATE_S - 1]
    assert min(waiting) > 25.0
    assert late[-1][1] <= 20.0
    others_kw = [sum(kw for _, kw in at_once) for at_once in zip(*others, strict=True)]
    assert others_kw[-1] > others_kw[int((TROUBLE_S + LATE_S - 3) / 0.25)]
