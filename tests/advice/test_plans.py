"""Plans as delivered: what would make false advice is refused, also where the lake is older than the refusal."""

from dataclasses import replace
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from telflow.customers.provider import load_provider
from telflow.errors import InputError
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.tables import PLANS

HEADER = "plan,monthly_price,volume_gigabytes,down_mbps,up_mbps"
GOOD = ("basic,0,0.5,0.1,0.1", "free of limits,20.0,,100,10")


def delivered(folder: Path, *lines: str) -> Path:
    (folder / "plans.csv").write_text("\n".join([HEADER, *GOOD, *lines]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("odd,-0.01,10,100,10", "price_is_a_number"),
        ("odd,NaN,10,100,10", "price_is_a_number"),
        ("odd,Infinity,10,100,10", "price_is_a_number"),
        ("odd,20,0,100,10", "volume_is_positive"),
        ("odd,20,NaN,100,10", "volume_is_positive"),
        ("odd,20,10,0,10", "rates_are_positive"),
        ("odd,20,10,100,0", "rates_are_positive"),
        ("odd,20,10,NaN,10", "rates_are_positive"),
        ("odd,20,10,100,NaN", "rates_are_positive"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    spark: SparkSession, tmp_path: Path, tokenizer: Tokenizer, line: str, rule: str
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    with pytest.raises(InputError, match=rf"plans\.csv.*: 1 lines break the rule {rule}"):
        load_provider(lake, delivered(tmp_path, line), tokenizer)
    assert not lake.exists(PLANS)


def test_a_lake_made_before_the_rules_takes_plans_as_ever(
    spark: SparkSession, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    odd = spark.createDataFrame([("odd", 20.0, 0.0, 0.0, float("nan"))], PLANS.schema)
    lake.append(replace(PLANS, checks={}), odd)
    assert lake.read(PLANS).count() == 1
    assert load_provider(lake, delivered(tmp_path), tokenizer) == ["plans"]
    assert {row.plan for row in lake.read(PLANS).collect()} == {"basic", "free of limits"}
    with pytest.raises(InputError, match="rates_are_positive"):
        load_provider(lake, delivered(tmp_path, "odd,20,10,0,10"), tokenizer)


def test_a_new_table_holds_the_rules_itself(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.append(PLANS, spark.createDataFrame([("good", 20.0, None, 100.0, 10.0)], PLANS.schema))
    with pytest.raises((PySparkException, Py4JJavaError), match="rates_are_positive"):
        lake.append(PLANS, spark.createDataFrame([("odd", 20.0, None, float("nan"), 10.0)], PLANS.schema))
