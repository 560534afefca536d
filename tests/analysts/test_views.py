"""Views in a catalogue, and what is said of a lake without one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from jobs.create_views import lines
from telflow.analysts.exports import choose_sources
from telflow.analysts.saved import SavedQuery, saved_views
from telflow.analysts.views import create_views, literal, qualified
from telflow.errors import NoCatalogueError, TableMissingError
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, CHURN_SCORES, CUSTOMER_SEGMENTS, PLAN_FIT, SUBSCRIBERS
from tests.analysts.lake import DAY, GB, NEXT, ZONE, write_windows

LATER = (CUSTOMER_SEGMENTS, CHURN_SCORES, PLAN_FIT)  # what the daily run alone does not write
VIEWS = {view.name: view for view in saved_views()}
LOCAL = [view for view in saved_views() if "${zone}" in view.sql]
SESSION_ZONE = "spark.sql.session.timeZone"


@pytest.fixture
def catalogued(spark: SparkSession, lake: Lake) -> Iterator[Lake]:
    """The small lake under names of a catalogue, as the daily run leaves it."""
    schema = f"spark_catalog.telflow_{uuid4().hex}"
    spark.sql(f"CREATE SCHEMA {schema}")
    for table in ALL_TABLES:
        if lake.exists(table) and table not in LATER:
            spark.sql(f"CREATE TABLE {schema}.{table.name} USING delta LOCATION '{lake.location(table)}'")
    yield Lake(spark, schema, in_catalog=True)
    spark.sql(f"DROP SCHEMA {schema} CASCADE")


def test_views_are_made_with_their_comments_and_made_anew(catalogued: Lake) -> None:
    report = create_views(catalogued, ZONE)
    assert {*report.created, *report.waiting} == {view.name for view in saved_views()}
    assert report.waiting == {"bi_churn_scores": [CHURN_SCORES], "bi_plan_fit": [PLAN_FIT]}
    assert create_views(catalogued, ZONE) == report
    view = catalogued.spark.table(f"{catalogued.root}.bi_customer_days")
    assert view.schema["devices"].metadata["comment"] == "distinct input MAC addresses"
    assert view.where("customer = 'sub_a'").count() == 2


def test_customers_are_there_before_their_segments_churn_and_advice(catalogued: Lake) -> None:
    report = create_views(catalogued, ZONE)
    assert list(report.lacking) == ["bi_customers"]
    assert {table.name for table in report.lacking["bi_customers"]} == {table.name for table in LATER}
    [told] = [line for line in lines(report) if line.startswith("bi_customers")]
    assert told.startswith("bi_customers: made without ")
    assert "churn_scores (jobs/score_churn.py writes it)" in told
    rows = catalogued.spark.table(f"{catalogued.root}.bi_customers").orderBy("customer").collect()
    assert [(row.customer, row.plan, row.ufm_level, row.segment, row.churn_probability) for row in rows] == [
        ("sub_a", "basic", "Potential Sales", None, None),
        ("sub_b", "basic", "Potential Sales", None, None),
        ("sub_c", "plus", "Potential Sales", None, None),
    ]


def test_a_lake_in_a_folder_tells_of_customers_from_subscribers_alone(lake: Lake, tmp_path: Path) -> None:
    newcomer = Lake(lake.spark, str(tmp_path))
    with pytest.raises(TableMissingError, match=r"subscribers \(jobs/load_provider.py writes it\)$"):
        choose_sources(newcomer, ["bi_customers"], ZONE)
    Path(tmp_path, SUBSCRIBERS.name).symlink_to(lake.location(SUBSCRIBERS))
    [source] = choose_sources(newcomer, ["bi_customers"], ZONE)
    assert [(row.customer, row.ufm_level) for row in source.rows.orderBy("customer").collect()] == [
        ("sub_a", None),
        ("sub_b", None),
        ("sub_c", None),
    ]


def test_the_zone_is_that_of_the_provider(catalogued: Lake) -> None:
    hours = {}
    for zone in (ZONE, "UTC"):
        create_views(catalogued, zone)
        rows = catalogued.spark.table(f"{catalogued.root}.bi_traffic_by_hour").select("local_hour").distinct()
        hours[zone] = sorted(row.local_hour for row in rows.collect())
    assert hours == {ZONE: [0, 1], "UTC": [8, 9]}


@pytest.fixture
def session_zone(spark: SparkSession) -> Iterator[None]:
    """Room to change the session's time zone: a tool for BI has its user's."""
    yield
    spark.conf.set(SESSION_ZONE, "UTC")


def rows_in(lake: Lake, view: SavedQuery, zone: str, session: str) -> list[Row]:
    """Rows of ``view`` for a provider in ``zone``, as a session in another zone gets them; moments as microseconds."""
    lake.spark.conf.set(SESSION_ZONE, session)
    found = lake.spark.sql(qualified(lake, view.in_zone(zone)))
    moments = [field.name for field in found.schema if isinstance(field.dataType, TimestampType)]
    return sorted(found.withColumns({name: F.unix_micros(name) for name in moments}).collect())


@pytest.mark.usefixtures("session_zone")
@pytest.mark.parametrize("view", LOCAL, ids=lambda view: view.name)
@pytest.mark.parametrize("session", ["America/Vancouver", "Asia/Kolkata"])
def test_local_times_are_the_provider_s_whatever_the_session_s_zone(lake: Lake, view: SavedQuery, session: str) -> None:
    told = rows_in(lake, view, ZONE, "UTC")
    assert told
    assert rows_in(lake, view, ZONE, session) == told


@pytest.mark.usefixtures("session_zone")
@pytest.mark.parametrize("session", ["UTC", "America/Vancouver"])
def test_hours_and_days_begin_with_those_of_a_zone_half_an_hour_off(
    spark: SparkSession, tmp_path: Path, session: str
) -> None:
    lake = Lake(spark, str(tmp_path))
    midnight = datetime(2024, 3, 9, 18, 30, tzinfo=UTC)  # in Kolkata, where the day after begins
    windows = [midnight + timedelta(minutes=minutes) for minutes in (-5, 0, 25, 55, 60)]
    write_windows(lake, [(window, "https", "web", "sub_a", GB) for window in windows])
    hours = rows_in(lake, VIEWS["bi_traffic_by_hour"], "Asia/Kolkata", session)
    told = [(row.hour_start, row.local_date, row.local_hour, row.bytes) for row in hours]
    starts = [int((midnight + timedelta(hours=hours)).timestamp() * 1_000_000) for hours in (-1, 0, 1)]
    assert told == [(starts[0], DAY, 23, GB), (starts[1], NEXT, 0, 3 * GB), (starts[2], NEXT, 1, GB)]
    days = rows_in(lake, VIEWS["bi_categories_by_day"], "Asia/Kolkata", session)
    assert [(row.local_date, row.bytes) for row in days] == [(DAY, GB), (NEXT, 4 * GB)]


@pytest.mark.usefixtures("session_zone")
@pytest.mark.parametrize("session", ["UTC", "America/Vancouver"])
def test_the_hour_that_comes_twice_stands_twice(spark: SparkSession, tmp_path: Path, session: str) -> None:
    lake = Lake(spark, str(tmp_path))
    first = datetime(2024, 11, 3, 8, tzinfo=UTC)  # one o'clock in Vancouver, and again an hour later
    windows = [first + timedelta(minutes=minutes) for minutes in (0, 55, 60, 120)]
    write_windows(lake, [(window, "https", "web", "sub_a", GB) for window in windows])
    hours = rows_in(lake, VIEWS["bi_traffic_by_hour"], ZONE, session)
    assert [(row.local_hour, row.bytes) for row in hours] == [(1, 2 * GB), (1, GB), (2, GB)]


def test_a_lake_in_a_folder_says_what_to_do_instead(lake: Lake) -> None:
    with pytest.raises(NoCatalogueError, match=r"is a folder.*jobs/export_tables.py"):
        create_views(lake, ZONE)


def test_texts_are_quoted(spark: SparkSession) -> None:
    text = "the provider's C:\\folder"
    assert spark.sql(f"SELECT {literal(text)}").collect()[0][0] == text
