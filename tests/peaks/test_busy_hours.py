"""Peaks against a plain reference, on random loads over both clock changes and on a real network's hours."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from telflow.localtime import local_date
from telflow.peaks.busy_hours import hour_by_weekday, peak_times
from telflow.tables import HOUR_BY_WEEKDAY, PEAK_TIMES
from tests.peaks.reference import Peak, Sample, length, midnight, peaks

VANCOUVER = "America/Vancouver"
SPRING, AUTUMN = date(2024, 3, 10), date(2024, 11, 3)  # days of 23 and 25 hours
FIVE_MINUTES = 300


def to_load(spark: SparkSession, samples: list[Sample], zone: str = VANCOUVER) -> DataFrame:
    rows = [(s.scope_kind, s.scope, s.start, s.seconds, s.volume) for s in samples]
    columns = "scope_kind string, scope string, sample_start timestamp, sample_seconds int, bytes bigint"
    return spark.createDataFrame(rows, columns).withColumn("local_date", local_date(F.col("sample_start"), zone))


def of_network(start: datetime, volume: int, seconds: int = FIVE_MINUTES) -> Sample:
    return Sample("network", "all", start, seconds, volume)


def by_scope(rows: list[Row]) -> dict[tuple[date, str, str], Peak]:
    return {
        (row.period_start, row.scope_kind, row.scope): Peak(
            days=row.days,
            total=row.total_bytes,
            busy_start=row.busy_hour_start.replace(tzinfo=UTC),
            busy=row.busy_hour_bytes,
            adph=row.adph_bytes,
            tcbh_minute=row.tcbh_start_minute,
            tcbh=row.tcbh_bytes,
            p95=row.p95_bits_per_second,
            mean=row.mean_bits_per_second,
        )
        for row in rows
    }


def random_samples() -> list[Sample]:
    """Sparse loads on normal days and on both clock changes; the tier is sampled by the hour."""
    random = np.random.default_rng(3)
    zone = ZoneInfo(VANCOUVER)
    days = [SPRING + timedelta(days=shift) for shift in (-1, 0, 1)] + [
        AUTUMN + timedelta(days=shift) for shift in (-3, 0)
    ]
    samples = []
    for kind, scope, step, share in (
        ("network", "all", FIVE_MINUTES, 0.9),
        ("category", "web", FIVE_MINUTES, 0.3),
        ("category", "vpn", FIVE_MINUTES, 0.01),
        ("tier", "High", 3600, 0.7),
    ):
        for day in days:
            for second in range(0, length(day, zone), step):
                if random.random() < share:
                    volume = int(random.pareto(1.5) * 1e6) * int(random.random() > 0.05)
                    samples.append(Sample(kind, scope, midnight(day, zone) + timedelta(seconds=second), step, volume))
    return samples


def test_peaks_match_the_reference_over_both_clock_changes(spark: SparkSession) -> None:
    samples = random_samples()
    found = peak_times(to_load(spark, samples), VANCOUVER)
    assert sorted(found.columns) == sorted(PEAK_TIMES.columns)
    rows = found.collect()
    for period_kind in ("day", "month"):
        of_kind = [row for row in rows if row.period_kind == period_kind]
        assert by_scope(of_kind) == peaks(samples, period_kind, VANCOUVER)
    for row in rows:
        assert row.busy_hour_bytes <= row.total_bytes
        assert row.adph_bytes >= row.tcbh_bytes


def test_the_load_is_shuffled_by_scope_alone(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    noon = datetime(2024, 6, 1, 19, tzinfo=UTC)
    peak_times(to_load(spark, [of_network(noon, 5)]), VANCOUVER).explain()
    plan = capsys.readouterr().out
    assert "SinglePartition" not in plan
    assert "EvalPython" not in plan
    by_scope_or_day = [line for line in plan.splitlines() if "Exchange hashpartitioning" in line]
    assert len([line for line in by_scope_or_day if "hashpartitioning(scope_kind" in line]) >= 1
    assert not [line for line in by_scope_or_day if "second" in line or "minute" in line]


def test_a_gap_does_not_stretch_the_hour(spark: SparkSession) -> None:
    noon = datetime(2024, 6, 1, 19, tzinfo=UTC)
    just_inside, just_outside = noon + timedelta(minutes=55), noon + timedelta(minutes=60)
    load = to_load(spark, [of_network(noon, 5), of_network(just_inside, 5), of_network(just_outside, 3)])
    row = peak_times(load, VANCOUVER, ["day"]).collect()[0]
    assert (row.busy_hour_start, row.busy_hour_bytes, row.total_bytes) == (noon.replace(tzinfo=None), 10, 13)


def test_an_hour_does_not_reach_into_the_next_day(spark: SparkSession) -> None:
    first_midnight = datetime(2024, 6, 2, 7, tzinfo=UTC)
    load = to_load(spark, [of_network(first_midnight - timedelta(minutes=5), 10), of_network(first_midnight, 20)])
    rows = {row.period_start: row for row in peak_times(load, VANCOUVER, ["day"]).collect()}
    assert rows[date(2024, 6, 1)].busy_hour_bytes == 10
    assert rows[date(2024, 6, 1)].tcbh_start_minute == 23 * 60
    assert rows[date(2024, 6, 2)].busy_hour_bytes == 20
    assert rows[date(2024, 6, 2)].tcbh_start_minute == 0


@pytest.mark.parametrize(("nonzero", "billed"), [(8640, 8208), (433, 1), (432, 0)])
def test_the_95th_percentile_drops_432_of_8640_samples(spark: SparkSession, nonzero: int, billed: int) -> None:
    first = midnight(date(2024, 6, 1), ZoneInfo(VANCOUVER))
    shuffled = np.random.default_rng(5).permutation(8640)
    samples = [
        of_network(first + timedelta(seconds=300 * int(at)), rank + 1) for rank, at in enumerate(shuffled[:nonzero])
    ]
    kept_days = {(sample.start - first).days for sample in samples}
    row = peak_times(to_load(spark, samples), VANCOUVER, ["month"]).collect()[0]
    assert row.days == len(kept_days) == 30
    assert row.p95_bits_per_second == billed * 8 / 300


def test_a_scope_without_bytes_has_no_peak_and_its_day_does_not_count(spark: SparkSession) -> None:
    noon = datetime(2024, 6, 1, 19, tzinfo=UTC)
    silent = Sample("category", "web", noon, FIVE_MINUTES, 0)
    load = to_load(spark, [of_network(noon, 8), of_network(noon + timedelta(days=1), 0), silent])
    rows = peak_times(load, VANCOUVER, ["month"]).collect()
    assert [(row.scope, row.days, row.adph_bytes) for row in rows] == [("all", 1, 8.0)]


def test_hours_of_the_week_add_up_over_a_day_of_25_hours(spark: SparkSession) -> None:
    first = midnight(AUTUMN, ZoneInfo(VANCOUVER))
    samples = [of_network(first + timedelta(hours=hour), 1, seconds=3600) for hour in range(25)]
    samples += [of_network(first + timedelta(days=7, hours=1 + hour), 2, seconds=3600) for hour in range(24)]
    samples.append(Sample("category", "web", first, 3600, 6))
    matrix = hour_by_weekday(to_load(spark, samples), VANCOUVER)
    assert matrix.columns == HOUR_BY_WEEKDAY.columns
    rows = matrix.where("scope_kind = 'network'").orderBy("hour").collect()
    assert {(row.month, row.weekday, row.days) for row in rows} == {(date(2024, 11, 1), 7, 2)}
    assert [(row.hour, row.bytes, row.mean_bytes) for row in rows][:3] == [(0, 3, 1.5), (1, 4, 2.0), (2, 3, 1.5)]
    assert sum(row.bytes for row in rows) == 25 + 48
    web = matrix.where("scope = 'web'").collect()
    assert [(row.hour, row.bytes, row.mean_bytes) for row in web] == [(0, 6, 3.0)]


def test_a_real_network_peaks_when_plain_arrays_say_so(spark: SparkSession, samples: Path) -> None:
    with (samples / "peaks" / "milan_cells_hourly.csv").open(encoding="utf-8") as file:
        cells = [np.array(line, dtype=np.int64) for line in csv.reader(file)]
    hourly = np.zeros(1488, dtype=np.int64)
    for cell in cells:
        hourly[: len(cell)] += cell
    first = midnight(date(2013, 11, 1), ZoneInfo("Europe/Rome"))
    load = [of_network(first + timedelta(hours=hour), int(volume), 3600) for hour, volume in enumerate(hourly)]

    rows = peak_times(to_load(spark, load, "Europe/Rome"), "Europe/Rome", ["month"]).collect()
    found = {row.period_start.month: row for row in rows}

    assert len(cells) == 281
    assert sorted(found) == [1, 11, 12]
    for month, days in {11: slice(0, 30), 12: slice(30, 61), 1: slice(61, 62)}.items():
        table = hourly.reshape(62, 24)[days]
        means = table.mean(axis=0)
        first_hour = days.start * 24 + int(table.argmax())
        assert found[month].days == len(table)
        assert found[month].busy_hour_start.replace(tzinfo=UTC) == first + timedelta(hours=first_hour)
        assert found[month].busy_hour_bytes == table.max()
        assert found[month].adph_bytes == pytest.approx(table.max(axis=1).mean())
        assert found[month].tcbh_start_minute == 60 * int(means.argmax())
        assert found[month].tcbh_bytes == pytest.approx(means.max())
        assert found[month].p95_bits_per_second == np.sort(table.ravel())[::-1][table.size // 20] * 8 / 3600
