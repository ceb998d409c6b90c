"""Who cannot be relied on counts at what it may draw, and others pay for it."""

from datetime import timedelta

from ampyard.domain.alerts import Alert, AlertKind
from ampyard.domain.commands import CommandState
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.commands import Commands
from ampyard.services import commands, power_nodes, transactions
from ampyard.services.alerts.looking import look
from ampyard.services.alerts.rules import add_missing_default_rules
from ampyard.services.power_nodes import NewLimitException
from ampyard.services.transactions import Report
from tests.fleet import user
from tests.services.power.yards import T0, Yard, allowed, later, measure, root_of
from tests.services.stations import confirm_defaults


async def alerts_of(yard: Yard) -> list[Alert]:
    await look(yard.backend, yard.tenant_id)
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        return await Alerts(snapshot).where(Alerts.table.c.kind == AlertKind.OVERDRAW)


async def test_what_one_draws_in_excess_is_taken_from_the_others_and_an_alert_opens_until_it_obeys(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    await add_missing_default_rules(yard.backend, user(yard.tenant_id))
    assert (await yard.settle())["CP-2", 1] == 52.0
    later(yard, seconds=5)
    await measure(yard, "CP-2", 92.0)

    limits = await yard.settle()

    # 92 kW are gone, 44 go to the two AC, 64 to the two other DC.
    assert limits == {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 32.0, ("CP-4", 2): 32.0}
    evse = (await yard.evses())["CP-2", 1]
    assert evse.overdrawn_since == yard.backend.clock()
    assert evse.limit_reason == "Draws 92 kW, more than the 52 kW it may: what it draws is taken from others until it obeys."
    (alert,) = await alerts_of(yard)
    assert alert.summary == "EVSE 1 draws 92.0 kW, more than the 52.0 kW that it may"
    assert (alert.target_id, alert.resolved_at) == (evse.id, None)

    later(yard, seconds=5)
    await measure(yard, "CP-2", 52.0)
    assert (await yard.settle())["CP-4", 1] == 52.0
    assert (await yard.evses())["CP-2", 1].overdrawn_since is None
    await alerts_of(yard)
    later(yard, seconds=60)
    assert [alert.resolved_at is not None for alert in await alerts_of(yard)] == [True]


async def test_who_has_had_no_time_to_follow_is_not_blamed(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    await yard.settle()
    later(yard, seconds=4)
    await measure(yard, "CP-2", 92.0)
    limits = await yard.settle()
    assert limits["CP-4", 1] == 52.0
    assert (await yard.evses())["CP-2", 1].overdrawn_since is None


async def test_a_charge_point_that_refused_its_default_profile_counts_at_its_rating(yard: Yard) -> None:
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for evse in (await yard.evses()).values():
            await work.change(Evses, evse.id, fallback_in_force_kw=None)
        await work.commit()
    await confirm_defaults(yard.backend, yard.stations["CP-2"], CommandState.REJECTED)
    tx = await yard.transaction("CP-2")
    end = Report(at=T0, ocpp_transaction_id=tx.ocpp_transaction_id, register_wh=1.0)
    await transactions.end(yard.backend, yard.stations["CP-2"], end)

    # Nothing charges there, and all of its 150 kW stay reserved: the other four share what that leaves of 200 kW.
    assert allowed(await yard.settle()) == 50.0

    await confirm_defaults(yard.backend, yard.stations["CP-2"])
    assert allowed(await yard.settle()) == 172.0  # all that feeder 2 can supply, and 22 kW


async def test_a_needed_reduction_does_not_wait_for_the_answer_to_an_earlier_limit(yard: Yard) -> None:
    first = await yard.tick()
    root, now = await root_of(yard), yard.backend.clock()
    taken, *untaken = first
    await commands.claim(yard.backend, yard.tenant_id, taken.id)
    halved = NewLimitException(root.id, now, now + timedelta(hours=1), 100.0, None, "Half of it")
    await power_nodes.add_limit_exception(yard.backend, user(yard.tenant_id), halved)

    second = await yard.tick()

    # What nobody had sent yet has been withdrawn; what was sent already is followed by a lower limit.
    assert {it.id for it in second}.isdisjoint(it.id for it in first)
    assert {it.payload["evse_id"] for it in second} == {it.payload["evse_id"] for it in first}
    assert sum(it.payload["limit_kw"] for it in second) == 100.0
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        withdrawn = await Commands(snapshot).by_ids([it.id for it in untaken])
    assert {(it.state, it.outcome) for it in withdrawn.values()} == {(CommandState.EXPIRED, "A lower limit has taken its place.")}
    # The answer to the earlier one changes nothing for good.
    await commands.finish(yard.backend, yard.tenant_id, taken.id, CommandState.ACCEPTED, "Accepted")
    await yard.answer(second)
    assert allowed(await yard.settle()) == 100.0
