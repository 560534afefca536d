"""The small lake of the analysts' tests, and the names that they ask by."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from telflow.analysts.views import register
from telflow.lake import Lake
from tests.analysts.lake import ZONE, write_lake


@pytest.fixture(scope="package")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(spark, tmp_path_factory.mktemp("analysts"))


@pytest.fixture(scope="package")
def names(lake: Lake) -> Iterator[list[str]]:
    """Tables and views known to the session by their bare names."""
    made = register(lake, ZONE)
    yield made
    for name in made:
        lake.spark.catalog.dropTempView(name)
