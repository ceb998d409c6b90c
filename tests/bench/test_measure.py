import pytest

from bench.measure import Result, compare


@pytest.mark.parametrize(("ratio", "target", "missed"), [(3.99, 4.0, True), (4.0, 4.0, False), (0.5, None, False)])
def test_a_target_is_missed_below_it(ratio: float, target: float | None, missed: bool) -> None:  # noqa: FBT001 - parametrized
    assert Result("http-nested", 100.0, "req/s", ratio, "PostGraphile", target=target).missed is missed


def test_a_line_names_value_unit_ratio_and_baseline() -> None:
    result = Result("http-by-id", 1234.5, "req/s", 2.5, "Apollo Server", target=4)

    assert result.line().split() == ["http-by-id", "1234.50", "req/s", "2.50x", "Apollo", "Server", "(MISSED:", "target", "4x)"]


async def test_sides_with_different_answers_are_not_compared() -> None:
    async def one() -> object:
        return 1

    async def two() -> object:
        return 2

    with pytest.raises(AssertionError, match="gives another answer"):
        await compare("toy", one, two, baseline="two", rounds=1)
