"""What a chart shows when little is said, and what is said when too much is asked for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charts import LENGTH, MAX_POINTS, ChartBucket, ChartSpan, Evses, chart_span, mean_kw, utilisation
from ampyard.domain.errors import InvalidInputError

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_unless_told_it_is_the_day_until_now_by_quarter_hour() -> None:
    assert chart_span(None, None, None, None, now=NOW) == ChartSpan(NOW - DAY, NOW, ChartBucket.QUARTER_HOUR, None)


@pytest.mark.parametrize(
    ("length", "bucket"),
    [
        (2 * DAY, ChartBucket.QUARTER_HOUR),
        (2 * DAY + HOUR, ChartBucket.HOUR),
        (14 * DAY, ChartBucket.HOUR),
        (15 * DAY, ChartBucket.DAY),
        (400 * DAY, ChartBucket.DAY),
        (401 * DAY, ChartBucket.MONTH),
    ],
)
def test_the_bucket_suits_the_span(length: timedelta, bucket: ChartBucket) -> None:
    assert chart_span(NOW - length, NOW, None, None, now=NOW).bucket is bucket


def test_one_end_alone_says_the_other() -> None:
    assert chart_span(NOW - 3 * DAY, None, ChartBucket.HOUR, "UTC", now=NOW) == ChartSpan(NOW - 3 * DAY, NOW, ChartBucket.HOUR, "UTC")
    assert chart_span(None, NOW - DAY, ChartBucket.HOUR, None, now=NOW).from_at == NOW - 2 * DAY
    # What begins in the future still has a day.
    assert chart_span(NOW + DAY, None, ChartBucket.HOUR, None, now=NOW).to_at == NOW + 2 * DAY


@pytest.mark.parametrize(
    ("from_at", "to_at", "bucket", "zone", "message"),
    [
        (NOW, NOW, None, None, "from: 2026-11-02T12:00:00+00:00 is not before to: 2026-11-02T12:00:00+00:00; give a from before to."),
        (
            NOW - 365 * DAY,
            NOW,
            ChartBucket.HOUR,
            None,
            (
                "bucket: 2025-11-02T12:00:00+00:00 to 2026-11-02T12:00:00+00:00 has about 8,760 buckets of HOUR, and 1,000 at most;"
                " give DAY, or a shorter span."
            ),
        ),
        (
            NOW - 365 * DAY * 20,
            NOW,
            ChartBucket.DAY,
            None,
            (
                "bucket: 2006-11-07T12:00:00+00:00 to 2026-11-02T12:00:00+00:00 has about 7,300 buckets of DAY, and 1,000 at most;"
                " give MONTH, or a shorter span."
            ),
        ),
        (
            datetime(1999, 1, 1, tzinfo=UTC),
            NOW,
            None,
            None,
            "from: 1999-01-01T00:00:00+00:00 is out of range; give a time from 2000 to 2100.",
        ),
        (
            None,
            datetime(2101, 1, 1, tzinfo=UTC),
            None,
            None,
            "to: 2101-01-01T00:00:00+00:00 is out of range; give a time from 2000 to 2100.",
        ),
        (None, None, None, "Berlin", "timeZone: 'Berlin' is not a time zone; give an IANA name, such as Europe/Berlin or UTC."),
        (
            None,
            None,
            None,
            "../etc/passwd",
            "timeZone: '../etc/passwd' is not a time zone; give an IANA name, such as Europe/Berlin or UTC.",
        ),
    ],
)
def test_what_cannot_be_shown_is_told_with_what_could_be(
    from_at: datetime | None, to_at: datetime | None, bucket: ChartBucket | None, zone: str | None, message: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        chart_span(from_at, to_at, bucket, zone, now=NOW)
    assert str(refused.value) == message


def test_a_chart_without_finer_values_says_so() -> None:
    with pytest.raises(InvalidInputError) as refused:
        chart_span(None, None, ChartBucket.FIVE_MINUTES, None, now=NOW, finest=ChartBucket.QUARTER_HOUR)
    assert str(refused.value) == "bucket: this chart has no values finer than QUARTER_HOUR; give QUARTER_HOUR or a longer one."


@given(
    minutes=st.integers(1, 60 * 24 * 365 * 60), bucket=st.sampled_from(ChartBucket), zone=st.sampled_from(["UTC", "Asia/Kathmandu", None])
)
def test_no_more_points_than_are_allowed_and_the_advice_is_good(minutes: int, bucket: ChartBucket, zone: str | None) -> None:
    to_at = datetime(2090, 1, 1, tzinfo=UTC)
    from_at = to_at - timedelta(minutes=minutes)
    try:
        span = chart_span(from_at, to_at, bucket, zone, now=NOW)
    except InvalidInputError as error:
        advised = str(error).split("give ")[1].split(",")[0]
        assert chart_span(from_at, to_at, ChartBucket(advised), zone, now=NOW).bucket is ChartBucket(advised)
    else:
        assert (span.to_at - span.from_at) / LENGTH[span.bucket] <= MAX_POINTS


def test_every_zone_is_known() -> None:
    for zone in sorted(available_timezones() - {"localtime", "Factory"}):
        chart_span(None, None, None, zone, now=NOW)


def test_use_is_measured_against_the_time_that_is_over_and_that_there_were_evses() -> None:
    evses = Evses(2, 44.0, NOW - 30 * DAY)
    past = utilisation(NOW - 2 * HOUR, NOW - HOUR, 22_000.0, 3600.0, evses, now=NOW)
    assert (past.utilisation, past.occupancy, past.possible_wh, past.possible_s) == (0.5, 0.5, 44_000.0, 7200.0)
    # Nothing reported is nothing used.
    assert utilisation(NOW - 2 * HOUR, NOW - HOUR, None, None, evses, now=NOW).occupancy == 0.0
    # Half of the hour is over.
    running = utilisation(NOW - HOUR / 2, NOW + HOUR / 2, 11_000.0, 900.0, evses, now=NOW)
    assert (running.utilisation, running.occupancy) == (0.5, 0.25)
    for begin in (NOW, NOW - 31 * DAY):
        nothing = utilisation(begin, begin + HOUR, None, None, evses, now=NOW)
        assert (nothing.energy_wh, nothing.plugged_s, nothing.utilisation, nothing.occupancy) == (None, None, None, None)
    assert utilisation(NOW - HOUR, NOW, None, None, None, now=NOW).utilisation is None


def test_mean_power_is_that_of_the_time_that_is_over() -> None:
    assert mean_kw(NOW - HOUR, NOW, 10_000.0, now=NOW) == 10.0
    assert mean_kw(NOW - HOUR / 2, NOW + HOUR / 2, 10_000.0, now=NOW) == 20.0
    assert mean_kw(NOW - HOUR, NOW, None, now=NOW) is None
    assert mean_kw(NOW, NOW + HOUR, 1.0, now=NOW) is None
