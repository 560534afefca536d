"""Rows of customer_daily for the tests that score customers."""

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from telflow.tables import CUSTOMER_DAILY


def daily_row(customer: str, day: date, **given: Any) -> Row:
    """A day of a customer; columns that are not given hold the least a day can."""
    least: dict[str, Any] = {
        "customer_basis": "lease",
        "plan": "none",
        "region": "none",
        "bytes_up": 0,
        "bytes_down": 0,
        "packets_up": 0,
        "packets_down": 0,
        "connections": 1,
        "distinct_start_times": 1,
        "active_hours": 1,
        "flow_seconds": 0.0,
        "input_macs": ["mac_1"],
        "peers_sketch": None,
        "bytes_by_category": None,
        "bytes_by_hour": None,
    }
    row = {"local_date": day, "customer": customer, **least, **given}
    return Row(*[row[column] for column in CUSTOMER_DAILY.columns])


def daily_frame(spark: SparkSession, rows: list[Row]) -> DataFrame:
    return spark.createDataFrame(rows, CUSTOMER_DAILY.schema)
