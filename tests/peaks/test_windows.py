"""Windows against SiLK's published example, and the sums against anything."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.peaks.windows import apportion, apportioned, is_touching, with_windows
from telflow.settings import LoadScheme

SCHEMA = "start_time timestamp, end_time timestamp, service string, src_bytes bigint"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
WEEK_MICROS = 7 * 86_400 * 10**6
CONSERVING: list[LoadScheme] = ["bin-uniform", "start-spike", "middle-spike", "end-spike", "time-proportional"]
SUMMED: list[LoadScheme] = [*CONSERVING, "minimum-volume"]  # whole volumes in every window would overflow a sum
RWCOUNT_MANUAL: dict[LoadScheme, list[int]] = {
    "bin-uniform": [2250, 2450, 2250, 2250],
    "start-spike": [9000, 200, 0, 0],
    "middle-spike": [0, 200, 9000, 0],
    "end-spike": [0, 200, 0, 9000],
    "time-proportional": [600, 3800, 3600, 1200],
    "maximum-volume": [9000, 9200, 9000, 9000],
    "minimum-volume": [0, 200, 0, 0],
}


def at(minute: int, second: int = 0) -> datetime:
    return NOON + timedelta(minutes=minute, seconds=second)


def test_every_scheme_has_its_line_of_the_manual() -> None:
    assert set(RWCOUNT_MANUAL) == set(get_args(LoadScheme))


@pytest.mark.parametrize("scheme", RWCOUNT_MANUAL)
def test_load_schemes_match_the_rwcount_manual(spark: SparkSession, scheme: LoadScheme) -> None:
    flows = spark.createDataFrame([(at(3, 50), at(6, 20), "https", 9000), (at(4, 5), at(4, 20), "https", 200)], SCHEMA)
    first, second, third, fourth = RWCOUNT_MANUAL[scheme]
    expected = spark.createDataFrame(
        [
            (at(3), "https", first, 1, 1),
            (at(4), "https", second, 1, 2),
            (at(5), "https", third, 0, 1),
            (at(6), "https", fourth, 0, 1),
        ],
        "window_start timestamp, service string, src_bytes bigint, flows_started bigint, flows_active bigint",
    )
    actual = apportion(flows, window_seconds=60, keys=["service"], volumes=["src_bytes"], scheme=scheme)
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


@pytest.mark.parametrize("scheme", get_args(LoadScheme))
def test_a_flow_that_ends_on_the_edge_stays_in_its_window(spark: SparkSession, scheme: LoadScheme) -> None:
    flows = spark.createDataFrame([(at(1), at(2), "dns", 10), (at(2), at(2), "dns", 7)], SCHEMA)
    rows = apportion(flows, 60, ["service"], ["src_bytes"], scheme=scheme).orderBy("window_start").collect()
    assert [(row.window_start, row.src_bytes) for row in rows] == [
        (at(1).replace(tzinfo=None), 10),
        (at(2).replace(tzinfo=None), 7),
    ]


def test_a_flow_that_ends_after_the_edge_touches_the_next_window(spark: SparkSession) -> None:
    flows = spark.createDataFrame([(at(1), at(2) + timedelta(microseconds=1), "dns", 60_000_001)], SCHEMA)
    rows = apportion(flows, 60, ["service"], ["src_bytes"]).orderBy("window_start").collect()
    assert [(row.window_start.minute, row.src_bytes, row.flows_started) for row in rows] == [
        (1, 60_000_000, 1),
        (2, 1, 0),
    ]


def test_a_null_volume_counts_as_a_flow_without_bytes(spark: SparkSession) -> None:
    flows = spark.createDataFrame([(at(1), at(1), None, None), (at(1), at(1), None, 5)], SCHEMA)
    rows = apportion(flows, 60, ["service"], ["src_bytes"]).collect()
    assert [(row.service, row.src_bytes, row.flows_active) for row in rows] == [(None, 5, 2)]


start_micros = st.integers(0, 10**10)
duration_micros = st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, WEEK_MICROS), st.just(WEEK_MICROS))
volume = st.one_of(st.integers(0, 100), st.integers(0, 2**53), st.just(2**53))
flow = st.tuples(start_micros, duration_micros, volume, volume)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(flow, min_size=1, max_size=20), window_seconds=st.sampled_from([60, 300, 3600]))
def test_every_conserving_scheme_hands_out_every_flow_exactly(
    spark: SparkSession, drawn: list[tuple[int, int, int, int]], window_seconds: int
) -> None:
    rows = [
        (number, NOON + timedelta(microseconds=start), NOON + timedelta(microseconds=start + lasted), first, second)
        for number, (start, lasted, first, second) in enumerate(drawn)
    ]
    flows = spark.createDataFrame(rows, "number int, start_time timestamp, end_time timestamp, v bigint, w bigint")
    parts: list[tuple[str, LoadScheme]] = [(name, scheme) for name in ("v", "w") for scheme in get_args(LoadScheme)]
    shared = with_windows(flows, window_seconds).select(
        "*", *[apportioned(F.col(name), scheme).alias(f"{name}_{scheme}") for name, scheme in parts]
    )
    sums = [F.sum(f"{name}_{scheme}").alias(f"sum_{name}_{scheme}") for name, scheme in parts if scheme in SUMMED]
    least = [F.min(f"{name}_{scheme}").alias(f"least_{name}_{scheme}") for name, scheme in parts]
    most = [F.max(f"{name}_maximum-volume").alias(f"most_{name}") for name in ("v", "w")]
    by_flow = shared.groupBy("number").agg(*sums, *least, *most, F.count(F.lit(1)).alias("windows")).collect()
    assert len(by_flow) == len(drawn)
    for row in by_flow:
        for name, whole in zip(("v", "w"), drawn[row.number][2:], strict=True):
            assert [row[f"sum_{name}_{scheme}"] for scheme in CONSERVING] == [whole] * len(CONSERVING)
            assert row[f"least_{name}_maximum-volume"] == row[f"most_{name}"] == whole
            assert row[f"sum_{name}_minimum-volume"] == (whole if row.windows == 1 else 0)
        assert min(row[f"least_{name}_{scheme}"] for name, scheme in parts) >= 0


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(flow, min_size=1, max_size=10))
def test_what_has_passed_at_an_edge_is_one_and_the_same_number(
    spark: SparkSession, drawn: list[tuple[int, int, int, int]]
) -> None:
    rows = [
        (number, NOON + timedelta(microseconds=start), NOON + timedelta(microseconds=start + lasted))
        for number, (start, lasted, _, _) in enumerate(drawn)
    ]
    flows = spark.createDataFrame(rows, "number int, start_time timestamp, end_time timestamp")
    windows = with_windows(flows, 300).orderBy("number", "window_index").collect()
    shares = {number: [row for row in windows if row.number == number] for number in range(len(drawn))}
    for of_flow in shares.values():
        assert of_flow[0].passed_before == 0.0
        assert of_flow[-1].passed_after == 1.0
        assert all(row.passed_before <= row.passed_after for row in of_flow)
        assert all(row.passed_after.hex() == after.passed_before.hex() for row, after in pairwise(of_flow))


MIDNIGHT = datetime(2024, 1, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("start", "end", "touches"),
    [
        pytest.param(MIDNIGHT, MIDNIGHT, True, id="instant at the first midnight"),
        pytest.param(MIDNIGHT - TICK, MIDNIGHT - TICK, False, id="instant just before"),
        pytest.param(MIDNIGHT - TICK, MIDNIGHT, False, id="over at midnight"),
        pytest.param(MIDNIGHT - TICK, MIDNIGHT + TICK, True, id="over just after midnight"),
        pytest.param(MIDNIGHT + timedelta(days=1) - TICK, MIDNIGHT + timedelta(days=1), True, id="last instant"),
        pytest.param(MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=1), False, id="instant at the end"),
        pytest.param(MIDNIGHT - timedelta(days=2), MIDNIGHT + timedelta(days=2), True, id="around the day"),
    ],
)
def test_flows_that_touch_a_day(spark: SparkSession, start: datetime, end: datetime, touches: bool) -> None:
    flows = spark.createDataFrame(
        [(start.date(), start, end)], "event_date date, start_time timestamp, end_time timestamp"
    )
    touching = flows.where(is_touching(date(2024, 1, 2), date(2024, 1, 3), max_duration_seconds=2 * 86_400))
    assert touching.count() == int(touches)


def test_a_range_of_instants_need_not_begin_at_midnight_in_utc(spark: SparkSession) -> None:
    vancouver_midnight = datetime(2024, 1, 2, 8, tzinfo=UTC)
    starts = [vancouver_midnight - TICK, vancouver_midnight, vancouver_midnight + timedelta(days=1)]
    flows = spark.createDataFrame(
        [(start.date(), start, start) for start in starts], "event_date date, start_time timestamp, end_time timestamp"
    )
    touching = flows.where(is_touching(vancouver_midnight, vancouver_midnight + timedelta(days=1), 3600))
    assert [row.start_time for row in touching.collect()] == [vancouver_midnight.replace(tzinfo=None)]


def test_partitions_that_cannot_touch_the_range_are_not_read(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = [MIDNIGHT + timedelta(days=day) for day in range(-3, 3)]
    spark.createDataFrame(
        [(start.date(), start, start + timedelta(days=9)) for start in starts],
        "event_date date, start_time timestamp, end_time timestamp",
    ).write.partitionBy("event_date").parquet(str(tmp_path / "flows"))
    flows = spark.read.parquet(str(tmp_path / "flows"))
    touching = flows.where(is_touching(date(2024, 1, 2), date(2024, 1, 3), max_duration_seconds=86_400))
    touching.explain()
    pruned = capsys.readouterr().out.split("PartitionFilters: [")[1].split("]")[0]
    assert "event_date#" in pruned
    assert ">= 2024-01-01" in pruned
    assert "<= 2024-01-02" in pruned
    assert {row.event_date for row in touching.collect()} == {date(2024, 1, 1), date(2024, 1, 2)}
