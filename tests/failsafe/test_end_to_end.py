"""Whatever fails, every node is under its limit again within the time that ADR 0034 states: real sockets, simulated charge points."""

import pytest

from ampyard.domain.allocation import SETTLE
from ampyard.services.backend import Backend
from tests.failsafe.sites import CUT_KW, GRID_KW, LATE_S, METER_INTERVAL_S, METER_MAX_AGE_S, TROUBLE_S, Site, run

pytestmark = [pytest.mark.slow, pytest.mark.alone]

# A step comes at once when something changes, and every three seconds otherwise.
STEP_S = 3.0
# For messages, answers, and a machine that runs other things beside.
TRANSPORT_S = 8.0
# Seen by its meter, known after the time it is given to follow, taken from others by the next step.
OVERDRAW_S = SETTLE.total_seconds() + METER_INTERVAL_S + STEP_S + TRANSPORT_S


@pytest.fixture(scope="module")
async def sites(backend: Backend) -> dict[str, Site]:
    return await run(backend)


def test_half_the_grid_limit(sites: dict[str, Site]) -> None:
    site = sites["grid-cut"]
    assert site.mean_kw("Grid", TROUBLE_S - 2, TROUBLE_S) > 0.6 * GRID_KW
    assert all(at_s >= TROUBLE_S for at_s in site.over_s())
    assert site.reaction_s() <= TRANSPORT_S
    assert site.loads["Grid"][-1][1] == pytest.approx(CUT_KW, abs=1.0)


def test_without_a_planner_no_node_is_overloaded_and_what_plugs_in_draws_its_fallback(sites: dict[str, Site]) -> None:
    site = sites["planner-killed"]
    assert site.over_s() == []
    assert max(site.kw_of(3, 10, 21)) == pytest.approx(10.0)
    # Once there is one again, it gets its share.
    assert site.kw_of(3, 30, 60)[-1] > 15.0


def test_a_silent_site_meter_is_replaced_by_its_fallback_before_anything_can_be_overloaded(sites: dict[str, Site]) -> None:
    site = sites["site-meter-lost"]
    assert site.over_s() == []
    known_s = METER_MAX_AGE_S + STEP_S + TRANSPORT_S
    assert site.mean_kw("Grid", TROUBLE_S - 2, TROUBLE_S) > 0.6 * GRID_KW
    # The building takes 60 kW by now, and no meter tells of it.
    assert sum(site.kw_of(number, known_s + 10, 60)[-1] for number in range(4)) <= CUT_KW + 0.5


def test_without_any_link_no_node_is_overloaded(sites: dict[str, Site]) -> None:
    site = sites["links-cut"]
    assert site.over_s() == []
    assert site.mean_kw("Grid", TROUBLE_S + 2, TROUBLE_S + 16) > 0


def test_one_that_ignores_limits_is_paid_for_by_the_others(sites: dict[str, Site]) -> None:
    site = sites["limits-ignored"]
    assert site.reaction_s() <= TRANSPORT_S + STEP_S
    assert min(site.kw_of(0, 0, 60)) == pytest.approx(50.0)
    others = [site.kw_of(number, TRANSPORT_S + STEP_S, 60) for number in (1, 2, 3)]
    assert max(sum(at_once) for at_once in zip(*others, strict=True)) <= 40.5


def test_one_that_is_late_is_paid_for_by_the_others_until_it_obeys(sites: dict[str, Site]) -> None:
    site = sites["late-to-obey"]
    assert 0 < site.reaction_s() <= OVERDRAW_S
    assert min(site.kw_of(0, 0, LATE_S - 1)) > 25.0
    assert site.kw_of(0, LATE_S + 4, 60)[-1] <= 20.0
    waiting, after = (sum(site.kw_of(number, *span)[-1] for number in (1, 2, 3)) for span in ((0, LATE_S - 1), (LATE_S, 60)))
    assert after > waiting
