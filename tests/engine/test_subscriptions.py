"""Groups of subscribers: one evaluation for all of them, bounded queues, late joiners, those who come back; nothing crosses groups."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.execution import PreExecutionError

from ampyard.engine import GraphQLApp, subscriptions, wire
from ampyard.engine.wire import Written
from tests.engine.conftest import eventually
from tests.engine.journal import SECRET, Caller, Journal, Watcher, app

ENTRIES = "subscription S($from: Int = 0) { entries(atLeast: $from) { value } }"
LEVEL = "subscription { level { value } }"
TICKS = "subscription { ticks { value } }"
QUIET_S = 0.03


class Room:
    """An endpoint over a journal, and its watchers."""

    def __init__(self, **options: Any) -> None:
        self.journal = Journal()
        self.app: GraphQLApp[Caller] = app(self.journal, **options)
        self.watchers: list[Watcher] = []

    async def watch(
        self, document: str = ENTRIES, caller: str = "anna", *, after: str | None = None, take: Any = None, **variables: Any
    ) -> Watcher:
        """Begin to watch; returns when there is nothing more to be done for it."""
        self.watchers.append(Watcher(self.app, document, caller, after, take, **variables))
        await settled()
        return self.watchers[-1]

    @property
    def groups(self) -> list[subscriptions.Group]:
        return list(self.app.subscriptions.groups.values())

    async def write(self, count: int = 1) -> None:
        self.journal.write(count)
        await settled()


async def settled() -> None:
    await asyncio.sleep(QUIET_S)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room(max_waiting_events=5)
    yield room
    for watcher in room.watchers:
        await watcher.leave()
    assert room.groups == []
    assert room.journal.readers == set()
    used = [context for context in room.journal.contexts if context.operations_ended or context.events_ended]
    assert {context.operations_ended for context in used} <= {1}


def payloads(watcher: Watcher) -> list[Any]:
    return [json.loads(result.payload) for result in watcher.results if isinstance(result, Written)]


# One evaluation


async def test_one_evaluation_and_one_writing_serve_all_who_watch_the_same(room: Room) -> None:
    watchers = [await room.watch(caller=caller) for caller in ("anna", "arno") * 25]
    await room.write(3)

    assert room.journal.evaluated == [1, 2, 3]
    assert len(room.groups) == 1
    for watcher in watchers:
        assert payloads(watcher) == [
            {"data": {"entries": {"value": 10 * number}}, "extensions": {"eventId": str(number)}} for number in (1, 2, 3)
        ]
    first, *others = watchers
    assert all(mine is theirs for other in others for mine, theirs in zip(first.results, other.results, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"caller": "anna"}, {"caller": "berta"}, id="another scope"),
        pytest.param({"from": 0}, {"from": 1}, id="other variables"),
        pytest.param({}, {"document": ENTRIES + " "}, id="another document"),
        pytest.param({"caller": "xaver"}, {"caller": "xaver"}, id="no group key"),
    ],
)
async def test_those_who_differ_in_what_counts_never_share(room: Room, one: dict[str, Any], other: dict[str, Any]) -> None:
    watchers = [await room.watch(**one), await room.watch(**other)]
    await room.write()

    assert len(room.groups) == 2
    assert room.journal.evaluated == [1, 1]
    assert [watcher.ids for watcher in watchers] == [["1"], ["1"]]


async def test_variables_count_as_the_same_in_any_order(room: Room) -> None:
    document = "subscription S($a: Int = 0, $b: Int = 0) { entries(atLeast: $a, breaksAt: $b) { value } }"
    await room.watch(document, a=0, b=7)
    await room.watch(document, b=7, a=0)
    assert len(room.groups) == 1


async def test_a_result_does_not_tell_whose_context_it_came_from(room: Room) -> None:
    founder = await room.watch("subscription { entries { seenBy } }", "anna")
    await room.watch("subscription { entries { seenBy } }", "arno")
    await room.write()
    assert payloads(founder)[0]["data"] == {"entries": {"seenBy": "somebody"}}


async def test_developers_and_others_do_not_share() -> None:
    room = Room(developer=lambda caller: caller.name == "anna")
    await room.watch(caller="anna")
    await room.watch(caller="arno")
    assert len(room.groups) == 2
    for watcher in room.watchers:
        await watcher.leave()


# Coming and going


async def test_a_group_goes_on_without_its_founder_and_ends_with_its_last_member(room: Room) -> None:
    founder, other = await room.watch(), await room.watch()
    await founder.leave()
    await room.write()
    assert (founder.ids, other.ids) == ([], ["1"])
    assert len(room.journal.readers) == 1

    await other.leave()
    assert (room.groups, room.journal.readers) == ([], set())
    assert [context.operations_ended for context in room.journal.contexts] == [1, 0]

    again = await room.watch()
    await room.write()
    assert again.ids == ["2"]


async def test_who_comes_in_the_moment_the_last_one_leaves_is_served(room: Room) -> None:
    last = await room.watch()
    last.task.cancel()
    room.watchers.append(Watcher(room.app, ENTRIES, "anna", None, None))
    await settled()
    await room.write()
    assert (room.watchers[-1].ids, room.watchers[-1].task.done()) == (["1"], False)


async def test_who_comes_late_to_events_gets_what_comes_from_then_on(room: Room) -> None:
    early = await room.watch()
    await room.write()
    late = await room.watch()
    await room.write()
    assert (early.ids, late.ids) == (["1", "2"], ["2"])


async def test_who_comes_late_to_a_gauge_gets_the_latest_value_at_once(room: Room) -> None:
    early = await room.watch(LEVEL)
    assert early.ids == ["0"]
    await room.write()
    late = await room.watch(LEVEL)

    assert late.ids == ["1"]
    assert late.results[0] is early.results[-1]
    assert room.journal.evaluated == [0, 1]


async def test_an_old_value_of_a_gauge_is_evaluated_again_once_for_all_who_come(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    early = await room.watch(LEVEL)
    monkeypatch.setattr(subscriptions, "_FRESH_S", -1.0)
    room.journal.hold = asyncio.Event()
    late = [Watcher(room.app, LEVEL, "arno", None, None) for _ in range(20)]
    room.watchers += late
    await settled()
    room.journal.hold.set()
    await settled()

    assert room.journal.evaluated == [0, 0]
    assert [watcher.ids for watcher in late] == [["0"]] * 20
    assert early.ids == ["0"]


async def test_an_event_is_not_overtaken_by_the_present_value_from_before_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.watch(LEVEL)
    monkeypatch.setattr(subscriptions, "_FRESH_S", -1.0)
    hold = room.journal.hold = asyncio.Event()
    late = await room.watch(LEVEL)
    room.journal.hold = None
    await room.write()
    hold.set()
    await settled()

    assert late.ids == ["1"]


# Slow clients


async def test_a_slow_client_of_events_is_dropped_with_a_code_and_hinders_nobody(room: Room) -> None:
    slow, other = await room.watch(), await room.watch()
    slow.slow.clear()
    await room.write(1)
    for _ in range(5):
        await room.write()
    assert slow.codes == []
    await room.write()
    slow.slow.set()
    await settled()

    assert (slow.ids, slow.codes) == (["1"], ["SLOW_CONSUMER"])
    assert slow.task.done()
    assert other.ids == [str(number) for number in range(1, 8)]
    assert room.journal.evaluated == list(range(1, 8))


async def test_a_slow_client_within_bounds_misses_nothing(room: Room) -> None:
    slow = await room.watch()
    slow.slow.clear()
    for _ in range(6):
        await room.write()
    slow.slow.set()
    await settled()
    assert (slow.ids, slow.codes) == ([str(number) for number in range(1, 7)], [])


async def test_a_slow_client_of_a_gauge_gets_the_latest_value_alone(room: Room) -> None:
    slow, other = await room.watch(LEVEL), await room.watch(LEVEL)
    slow.slow.clear()
    for _ in range(50):
        room.journal.write()
        await asyncio.sleep(0.001)
    slow.slow.set()
    await settled()

    assert slow.ids[-1] == other.ids[-1] == "50"
    assert len(slow.ids) <= 3
    assert (slow.codes, other.codes) == ([], [])


async def test_what_can_be_sent_at_once_does_not_pass_through_the_queue(room: Room) -> None:
    taken: list[bytes] = []
    open_ = True

    def take(payload: bytes) -> bool:
        if open_:
            taken.append(payload)
        return open_

    watcher = await room.watch(take=take)
    await room.write()
    open_ = False
    await room.write()
    open_ = True
    await room.write()

    assert [json.loads(payload)["extensions"]["eventId"] for payload in taken] == ["1", "3"]
    assert watcher.ids == ["2"]


async def test_nothing_is_sent_at_once_past_what_waits(room: Room) -> None:
    offered: list[bytes] = []
    answers = iter([False, True])

    def take(payload: bytes) -> bool:
        offered.append(payload)
        return next(answers)

    watcher = await room.watch(take=take)
    watcher.slow.clear()
    await room.write()
    await room.write()  # it could be sent now, but its forerunner is still on its way
    assert (watcher.ids, len(offered)) == (["1"], 1)
    watcher.slow.set()
    await settled()
    assert watcher.ids == ["1", "2"]


# Errors


async def test_what_is_wrong_with_a_request_is_told_to_its_sender_alone(room: Room) -> None:
    other = await room.watch()
    wrong = await room.watch("subscription { entries(atLeast: -1) { value } }")
    assert (wrong.codes, wrong.task.done()) == (["BAD_USER_INPUT"], True)
    assert len(room.groups) == 1
    await room.write()
    assert (other.ids, other.codes) == (["1"], [])


async def test_an_event_that_fails_is_masked_and_the_next_one_comes(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    watchers = [await room.watch("subscription { entries { odd } }") for _ in range(2)]
    await room.write(3)

    for watcher in watchers:
        first, failed, last = payloads(watcher)
        assert (first["data"], failed["data"], last["data"]) == (
            {"entries": {"odd": 1}},
            {"entries": {"odd": None}},
            {"entries": {"odd": 3}},
        )
        assert [error["extensions"]["code"] for error in failed["errors"]] == ["INTERNAL_SERVER_ERROR"]
        assert SECRET not in json.dumps(failed)
    # Logged once, since it was evaluated once.
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


async def test_a_source_that_fails_ends_its_group_masked_and_no_other(room: Room) -> None:
    document = "subscription { entries(breaksAt: 2) { value } }"
    watchers = [await room.watch(document), await room.watch(document)]
    other = await room.watch()
    await room.write(3)

    for watcher in watchers:
        assert watcher.task.done()
        assert SECRET not in json.dumps(payloads(watcher))
        assert [error["extensions"]["code"] for error in payloads(watcher)[-1]["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert other.ids == ["1", "2", "3"]


async def test_a_group_that_fails_without_foresight_is_masked(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(SECRET)

    watcher = await room.watch()
    monkeypatch.setattr(wire, "response", fails)
    await room.write()
    assert watcher.codes == ["INTERNAL_SERVER_ERROR"]
    assert SECRET not in str(watcher.results[-1].errors)


# Coming back


async def test_who_comes_back_gets_what_it_missed_and_then_what_comes(room: Room) -> None:
    other = await room.watch()
    await room.write(5)
    back = await room.watch(after="2")
    await room.write()

    assert back.ids == ["3", "4", "5", "6"]
    assert other.ids == ["1", "2", "3", "4", "5", "6"]
    # The last one for both together.
    assert room.journal.evaluated == [1, 2, 3, 4, 5, 3, 4, 5, 6]
    assert len(room.groups) == 1


async def test_who_comes_back_to_a_process_where_nobody_watches_gets_what_it_missed(room: Room) -> None:
    room.journal.write(5)
    back = await room.watch(after="3")
    await room.write()
    assert back.ids == ["4", "5", "6"]


async def test_those_who_come_back_together_share_the_evaluation_of_what_they_missed(room: Room) -> None:
    room.journal.write(5)
    back = [Watcher(room.app, ENTRIES, "anna", "2", None) for _ in range(30)]
    room.watchers += back
    await settled()
    await room.write()

    assert [watcher.ids for watcher in back] == [["3", "4", "5", "6"]] * 30
    assert room.journal.evaluated == [3, 4, 5, 6]


async def test_who_has_seen_more_than_this_process_has_come_to_gets_nothing_twice(room: Room) -> None:
    hold = room.journal.hold = asyncio.Event()
    other = await room.watch()
    await room.write(3)  # the group is still at work on the first
    back = await room.watch(after="2")
    hold.set()
    await settled()
    await room.write()

    assert other.ids == ["1", "2", "3", "4"]
    assert back.ids == ["3", "4"]


@pytest.mark.parametrize(
    ("after", "code"), [("3", "EVENTS_GONE"), ("99", "EVENTS_GONE"), ("yesterday", "BAD_USER_INPUT"), ("", "BAD_USER_INPUT")]
)
async def test_an_id_that_nothing_can_be_continued_from_is_refused_to_its_sender_alone(room: Room, after: str, code: str) -> None:
    room.journal.newest, room.journal.oldest = 10, 5
    other = await room.watch()
    back = await room.watch(after=after)
    assert (back.codes, back.ids, back.task.done()) == ([code], [], True)
    assert isinstance(back.results[0], PreExecutionError)
    await room.write()
    assert (other.ids, other.codes) == (["11"], [])


async def test_who_comes_back_to_a_gauge_gets_the_present_value(room: Room) -> None:
    room.journal.write(9)
    back = await room.watch(LEVEL, after="2")
    await room.write()
    assert back.ids == ["9", "10"]


async def test_a_subscription_that_tells_no_ids_cannot_be_continued(room: Room) -> None:
    fresh = await room.watch(TICKS)
    back = await room.watch(TICKS, after="1")
    await room.write()
    assert back.codes == ["BAD_USER_INPUT"]
    assert payloads(fresh) == [{"data": {"ticks": {"value": 10}}}]


@given(st.lists(st.sampled_from(["write", "leave", "come", "yield", "yield"]), max_size=40))
def test_whoever_leaves_and_comes_back_has_seen_each_event_once_and_in_order(steps: list[str]) -> None:
    asyncio.run(_leaves_and_comes(steps))


async def _leaves_and_comes(steps: list[str]) -> None:
    room = Room(max_waiting_events=1000)
    room.journal.write()
    other = Watcher(room.app, ENTRIES, "anna", "1", None)
    seen: list[str | None] = ["1"]
    watcher: Watcher | None = None

    async def leave() -> None:
        nonlocal watcher
        if watcher is not None:
            await watcher.leave()
            seen.extend(watcher.ids)
            watcher = None

    for step in [*steps, "come"]:
        match step:
            case "write":
                room.journal.write()
            case "leave":
                await leave()
            case "come" if watcher is None:
                watcher = Watcher(room.app, ENTRIES, "arno", seen[-1], None)
            case _:
                await asyncio.sleep(0)
    wanted = [str(number) for number in range(1, room.journal.newest + 1)]
    assert watcher is not None
    # Bound as defaults: the watcher is the one of this moment.
    complete: Callable[[], bool] = lambda w=watcher: seen + w.ids == wanted and other.ids == wanted[1:]  # type: ignore[misc]  # noqa: E731
    try:
        await eventually(complete)
    finally:
        assert (seen + watcher.ids, other.ids) == (wanted, wanted[1:])
        await leave()
        await other.leave()
    assert room.groups == []
