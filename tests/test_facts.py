"""What has to hold of a lake in every run."""

from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from telflow.cli import Job
from telflow.facts import LONGEST_FLOW, RECORDS, lake_facts, records_held, state_fact
from telflow.lake import Lake
from telflow.settings import load_settings
from telflow.steps import flows_touching
from telflow.tables import FLOWS, TRUTH_CUSTOMERS
from tests.flow_rows import START, flow, flows_frame

DAY = timedelta(days=1)


def test_the_newest_statement_of_a_fact_counts(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    assert lake_facts(lake) == {}
    for value in ("1", "2"):
        state_fact(lake, LONGEST_FLOW, value)
    state_fact(lake, "records", "own")
    assert lake_facts(lake) == {LONGEST_FLOW: "2", "records": "own"}


def test_a_lake_that_says_nothing_but_holds_a_simulations_truth_is_synthetic(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    assert records_held(lake, {}) is None
    lake.create(TRUTH_CUSTOMERS)
    assert records_held(lake, {}) == "synthetic"
    assert records_held(lake, {RECORDS: "own"}) == "own"


def test_a_lower_setting_does_not_hide_longer_flows_from_the_days_they_last_into(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.append(FLOWS, flows_frame(spark, [flow(START, seconds=5 * 86_400)]))
    job = Job(load_settings(overrides=["ingest.max_duration_seconds=3600"]), spark, lake)
    last_day = [(START + 5 * DAY).date()]
    assert flows_touching(job, last_day, "UTC").count() == 0  # no fact says that it may have lasted so long
    state_fact(lake, LONGEST_FLOW, str(5 * 86_400))
    assert flows_touching(job, last_day, "UTC").count() == 1
