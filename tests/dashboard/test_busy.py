"""Busy hours of any days, by the rules of peak_times."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telflow.dashboard import busy

ZONE = "America/Vancouver"
DAYS = [date(2024, 3, 9), date(2024, 3, 10)]  # the second has 23 hours
BEGIN = datetime(2024, 3, 9, 8, tzinfo=UTC)


def samples(loads: dict[int, int], seconds: int = 300) -> pl.DataFrame:
    """Samples by their number from local midnight of the first day."""
    rows = [(BEGIN + timedelta(seconds=seconds * at), seconds, load) for at, load in loads.items()]
    return pl.DataFrame(
        rows, schema={"at": pl.Datetime("us", "UTC"), "seconds": pl.Int32, "bytes": pl.Int64}, orient="row"
    )


def test_days_have_the_samples_of_their_length() -> None:
    load = busy.on_whole_days(samples({0: 1}), DAYS, ZONE)
    counts = load.group_by("day").len().sort("day").get_column("len").to_list()
    assert counts == [288, 276]
    assert busy.odd_days(DAYS, ZONE) == {DAYS[1]: 23}
    assert busy.odd_days([date(2024, 11, 3)], ZONE) == {date(2024, 11, 3): 25}


def test_a_busy_hour_slides_and_is_the_earliest_of_equals() -> None:
    peaks = busy.peaks_of(busy.on_whole_days(samples({30: 100, 41: 50}), DAYS[:1], ZONE))
    assert peaks is not None
    assert (peaks.busy_bytes, peaks.busy_start) == (150, datetime(2024, 3, 9, 2, 30, tzinfo=UTC).replace(tzinfo=None))
    assert peaks.tcbh_minute == 150
    assert peaks.mean_bits == 150 * 8 / 86_400


def test_the_hour_from_midnight_on_does_not_reach_back() -> None:
    load = busy.on_whole_days(samples({287: 70, 288: 80}), DAYS, ZONE)
    peaks = busy.peaks_of(load)
    assert peaks is not None
    assert peaks.busy_bytes == 80
    assert peaks.adph_bytes == 75
    assert busy.daily_peaks(load).get_column("bytes").to_list() == [70, 80]


def test_p95_drops_the_top_twentieth_rounded_down() -> None:
    loads = {at: 1000 - at for at in range(288)}
    peaks = busy.peaks_of(busy.on_whole_days(samples(loads), DAYS[:1], ZONE))
    assert peaks is not None
    assert peaks.p95_bits == (1000 - 14) * 8 / 300  # 288 samples: 14 are dropped


@pytest.mark.parametrize("frame", [samples({}), samples({3: 0})])
def test_nothing_has_no_busy_hour(frame: pl.DataFrame) -> None:
    assert busy.peaks_of(busy.on_whole_days(frame, DAYS, ZONE)) is None
    assert busy.peaks_of(busy.on_whole_days(frame, [], ZONE)) is None


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 563), st.integers(0, 10**12), min_size=1, max_size=60))
def test_what_must_hold_between_the_numbers_holds(loads: dict[int, int]) -> None:
    load = busy.on_whole_days(samples(loads), DAYS, ZONE)
    assert load.get_column("bytes").sum() == sum(loads.values())
    assert sum(busy.weekday_hours(load).get_column("bytes")) == pytest.approx(sum(loads.values()))
    peaks = busy.peaks_of(load)
    if peaks is not None:
        assert peaks.tcbh_bytes <= peaks.adph_bytes <= peaks.busy_bytes <= sum(loads.values())


def test_the_mean_day_is_over_all_days() -> None:
    curve = busy.daily_curve(busy.on_whole_days(samples({0: 300, 12: 600}), DAYS, ZONE))
    bits = dict(curve.iter_rows())
    assert (bits[0], bits[60], bits[65]) == (4.0, 8.0, 0.0)
