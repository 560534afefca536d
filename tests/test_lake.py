"""Declared tables: created as declared, replaced whole, and promises kept."""

import os
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from telflow.errors import TableMissingError, TableOutdatedError
from telflow.lake import Lake
from telflow.tables import (
    ALL_TABLES,
    APART,
    CHURN_EVENTS,
    CUSTOMER_DAILY,
    DAY_LOG,
    MICRO_TRENDS,
    RECLASSIFICATION,
    RUN_LOCK,
    Table,
)

DAY = date(2024, 1, 1)
NEXT = date(2024, 1, 2)
ROW = ("dns", "domain", "dns", "v1", "same", 1, 60)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
@pytest.mark.usefixtures("spark")
def test_every_table_is_declared_in_full(table: Table) -> None:
    assert table.grain
    assert table.answers.endswith(("?", "?)"))
    assert table.name in table.sample_query
    assert [column.name for column in table.schema if not column.metadata.get("comment")] == []
    assert set(table.partition_by) | set(table.stats_columns) <= set(table.columns)


def test_names_of_tables_are_unique() -> None:
    assert len({table.name for table in ALL_TABLES}) == len(ALL_TABLES)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_can_be_created_and_asked_its_sample_query(
    spark: SparkSession, tmp_path: Path, table: Table
) -> None:
    lake = Lake(spark, str(tmp_path))
    lake.create(table)
    lake.create(table)
    assert DeltaTable.forPath(spark, lake.location(table)).toDF().schema.fieldNames() == table.columns
    lake.read(table).createOrReplaceTempView(table.name)
    assert spark.sql(table.sample_query).columns
    spark.catalog.dropTempView(table.name)


def test_gold_tables_use_no_feature_that_other_readers_lack(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    lake.create(RECLASSIFICATION)
    detail = spark.sql(f"DESCRIBE DETAIL {lake.name(RECLASSIFICATION)}").collect()[0]
    assert not {"deletionVectors", "columnMapping", "typeWidening"} & set(detail.tableFeatures)


def test_days_are_replaced_and_others_stay(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    lake.append(RECLASSIFICATION, spark.createDataFrame([(DAY, *ROW), (NEXT, *ROW)], RECLASSIFICATION.schema))
    again = spark.createDataFrame([(DAY, "tls", *ROW[1:])], RECLASSIFICATION.schema)
    for _ in range(2):
        lake.replace_days(RECLASSIFICATION, again, [DAY])
    rows = lake.read(RECLASSIFICATION).orderBy("event_date").collect()
    assert [(row.event_date, row.observed_application) for row in rows] == [(DAY, "tls"), (NEXT, "dns")]


def test_rows_of_other_days_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    rows = spark.createDataFrame([(NEXT, *ROW)], RECLASSIFICATION.schema)
    with pytest.raises(Exception, match="REPLACE_WHERE_MISMATCH"):
        lake.replace_days(RECLASSIFICATION, rows, [DAY])


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (DAY_LOG, "day_log is not there yet: run jobs/run_pipeline.py first"),
        (CUSTOMER_DAILY, "run jobs/roll_up_customers.py first, or jobs/run_pipeline.py, which runs that too"),
        (MICRO_TRENDS, "micro_trends is not there yet: run jobs/find_micro_trends.py first"),
        (RUN_LOCK, "no job has run on this lake; begin with jobs/run_pipeline.py"),
    ],
)
def test_a_missing_table_says_which_job_writes_it(spark: SparkSession, tmp_path: Path, table: Table, told: str) -> None:
    with pytest.raises(TableMissingError) as error:
        Lake(spark, str(tmp_path)).read(table)
    assert str(error.value).endswith(told)


def test_the_version_of_a_missing_table_says_which_job_writes_it(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TableMissingError, match="customer_daily is not there yet: run jobs/roll_up_customers"):
        Lake(spark, str(tmp_path)).version(CUSTOMER_DAILY)


def test_a_version_that_delta_reads_no_more_is_told_in_one_line(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    for customer in ("sub_1", "sub_2"):
        lake.append(CHURN_EVENTS, spark.createDataFrame([(customer, DAY, None)], CHURN_EVENTS.schema))
    assert [lake.read(CHURN_EVENTS, version).count() for version in (0, 1, 2)] == [0, 1, 2]
    log, eight_days_ago = tmp_path / "churn_events" / "_delta_log", time.time() - 8 * 86400
    for version in (0, 1, 2):
        os.utime(log / f"{version:020}.json", (eight_days_ago, eight_days_ago))
    assert lake.read(CHURN_EVENTS, 2).count() == 2, "the newest, however old"
    for version, why in ((1, "beyond"), (9, "Available versions: .0, 2.")):
        with pytest.raises(
            TableMissingError, match=f"version {version} of .*churn_events cannot be read .*{why}"
        ) as error:
            lake.read(CHURN_EVENTS, version)
        assert "\n" not in str(error.value)


def test_the_daily_run_is_named_for_what_it_writes_alone() -> None:
    steps = {step.stem for step in Path("jobs").glob("*.py")}
    assert {name.removesuffix(".py") for name in APART} <= steps
    pipeline = Path("jobs/run_pipeline.py").read_text(encoding="utf-8")
    assert [name for name in APART if name.removesuffix(".py") in pipeline] == []


def test_a_null_where_none_may_be_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame([(None, DAY, "price")], "customer string, churn_date date, reason string")
    with pytest.raises(Exception, match="customer"):
        Lake(spark, str(tmp_path)).append(CHURN_EVENTS, rows)


def test_a_column_declared_later_is_null_and_then_written(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    earlier = replace(DAY_LOG, ddl="event_date DATE NOT NULL COMMENT 'UTC day'", checks={}, stats_columns=())
    later = replace(earlier, ddl=f"{earlier.ddl}, note STRING COMMENT 'added since'")
    lake.append(earlier, spark.createDataFrame([(DAY,)], earlier.schema))
    assert [tuple(row) for row in lake.read(later).collect()] == [(DAY, None)]
    lake.append(later, spark.createDataFrame([(NEXT, "new")], later.schema))
    assert {tuple(row) for row in lake.read(later).collect()} == {(DAY, None), (NEXT, "new")}
    strict = replace(earlier, ddl=f"{earlier.ddl}, share DOUBLE NOT NULL COMMENT 'added since'")
    with pytest.raises(TableOutdatedError, match=f"without share: remove the table and run jobs/{DAY_LOG.writer}"):
        lake.read(strict)


def test_the_note_of_the_last_commit_is_kept(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    assert lake.last_note(CHURN_EVENTS) is None
    lake.replace_all(CHURN_EVENTS, spark.createDataFrame([("sub_1", DAY, None)], CHURN_EVENTS.schema), note="abc")
    assert lake.last_note(CHURN_EVENTS) == "abc"
