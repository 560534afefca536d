"""Views in a catalogue, and what is said of a lake without one."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from telflow.analysts.saved import saved_views
from telflow.analysts.views import create_views, literal
from telflow.errors import NoCatalogueError
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, CHURN_SCORES
from tests.analysts.lake import ZONE


@pytest.fixture
def catalogued(spark: SparkSession, lake: Lake) -> Iterator[Lake]:
    """The small lake under names of a catalogue, without its churn scores."""
    schema = f"spark_catalog.telflow_{uuid4().hex}"
    spark.sql(f"CREATE SCHEMA {schema}")
    for table in ALL_TABLES:
        if lake.exists(table) and table.name != CHURN_SCORES.name:
            spark.sql(f"CREATE TABLE {schema}.{table.name} USING delta LOCATION '{lake.location(table)}'")
    yield Lake(spark, schema, in_catalog=True)
    spark.sql(f"DROP SCHEMA {schema} CASCADE")


def test_views_are_made_with_their_comments_and_made_anew(catalogued: Lake) -> None:
    report = create_views(catalogued, ZONE)
    assert {*report.created, *report.waiting} == {view.name for view in saved_views()}
    assert {name: [table.name for table in missing] for name, missing in report.waiting.items()} == {
        "bi_churn_scores": ["churn_scores"],
        "bi_customers": ["churn_scores"],
    }
    assert create_views(catalogued, ZONE) == report
    view = catalogued.spark.table(f"{catalogued.root}.bi_customer_days")
    assert view.schema["devices"].metadata["comment"] == "distinct input MAC addresses"
    assert view.where("customer = 'sub_a'").count() == 2


def test_the_zone_is_that_of_the_provider(catalogued: Lake) -> None:
    hours = {}
    for zone in (ZONE, "UTC"):
        create_views(catalogued, zone)
        rows = catalogued.spark.table(f"{catalogued.root}.bi_traffic_by_hour").select("local_hour").distinct()
        hours[zone] = sorted(row.local_hour for row in rows.collect())
    assert hours == {ZONE: [0, 1], "UTC": [8, 9]}


def test_a_lake_in_a_folder_says_what_to_do_instead(lake: Lake) -> None:
    with pytest.raises(NoCatalogueError, match=r"is a folder.*jobs/export_tables.py"):
        create_views(lake, ZONE)


def test_texts_are_quoted(spark: SparkSession) -> None:
    text = "the provider's C:\\folder"
    assert spark.sql(f"SELECT {literal(text)}").collect()[0][0] == text
