"""A provider's own table of customers, who left among them: read by the mapping in conf."""

import csv
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.churn.columns import Columns
from telflow.errors import InputError
from telflow.settings import OwnTableSettings

SHOWN_LABELS: Final = 10


def own_columns(mapping: OwnTableSettings) -> Columns:
    """Columns the mapping names."""
    return Columns(tuple(mapping.numeric), tuple(mapping.categorical))


def read_own_table(spark: SparkSession, path: Path, mapping: OwnTableSettings) -> DataFrame:
    """Rows of a provider's table as a churn table.

    Args:
        spark: the session.
        path: CSV file with a header (``.csv``), or Parquet.
        mapping: which column is what.

    Returns:
        ``customer``, ``label`` (int, 1 for who left), numbers as double and words as string, both under their own
        names. A blank is a missing value.

    Raises:
        InputError: a column is missing, a label is empty, a number cannot be read as one, or the labels do not tell who
            left.
    """
    if not path.exists():
        raise InputError(f"{path} is not there: name the provider's table, a CSV or Parquet file, with --table")
    is_csv = path.suffix.lower() == ".csv"
    text = spark.read.csv(str(path), header=True, inferSchema=False) if is_csv else spark.read.parquet(str(path))
    header = csv_header(path) if is_csv else text.columns
    wanted = [mapping.customer, mapping.label, *mapping.numeric, *mapping.categorical]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise InputError(
            f"{path}: column {', '.join(missing)} is missing, the table has {', '.join(header)}: "
            "name its columns in churn.own_table"
        )
    filled = text.select(
        *[F.nullif(F.trim(F.col(f"`{name}`").cast("string")), F.lit("")).alias(name) for name in wanted]
    )
    check_values(filled, path, mapping)
    check_labels(filled, path, mapping)
    return filled.select(
        F.col(f"`{mapping.customer}`").alias("customer"),
        (F.col(f"`{mapping.label}`") == mapping.left).cast("int").alias("label"),
        *[F.col(f"`{name}`").try_cast("double").alias(name) for name in mapping.numeric],
        *[F.col(f"`{name}`").alias(name) for name in mapping.categorical],
    )


def csv_header(path: Path) -> list[str]:
    """Names in the first line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def check_values(filled: DataFrame, path: Path, mapping: OwnTableSettings) -> None:
    """Refuse rows without a customer or a label, and numbers that are none."""
    faults = {name: F.col(f"`{name}`").isNull() for name in (mapping.customer, mapping.label)}
    for name in mapping.numeric:
        value = F.col(f"`{name}`")
        faults[name] = value.isNotNull() & value.try_cast("double").isNull()
    found = filled.agg(*[F.count_if(fault).alias(name) for name, fault in faults.items()]).collect()[0]
    for name, fault in faults.items():
        if found[name]:
            first = first_fault(filled.where(fault), name, mapping)
            raise InputError(
                f"{path}, column {name}: {first}, {found[name]:,} rows in all: mend them, or map another column"
            )


def first_fault(faulty: DataFrame, name: str, mapping: OwnTableSettings) -> str:
    """What is wrong with column ``name`` in the first of the rows ``faulty``, and whose row it is."""
    value, customer = faulty.select(F.col(f"`{name}`"), F.col(f"`{mapping.customer}`")).take(1)[0]
    whose = "a row" if customer is None else f"customer {customer}"
    return f"{whose} has none" if value is None else f"{whose} has {value!r}, which is no number"


def check_labels(filled: DataFrame, path: Path, mapping: OwnTableSettings) -> None:
    """Refuse labels of which none, or each, is that of who left."""
    counted = filled.groupBy(F.col(f"`{mapping.label}`").alias("label")).agg(F.count(F.lit(1)).alias("rows"))
    told_first = [F.desc(F.col("label") == mapping.left), F.desc("rows"), F.col("label")]
    labels = {row.label: row.rows for row in counted.orderBy(*told_first).limit(SHOWN_LABELS).collect()}
    if mapping.left not in labels or len(labels) < 2:
        told = ", ".join(f"{label!r} ({rows:,} rows)" for label, rows in labels.items()) or "nothing"
        raise InputError(
            f"{path}, column {mapping.label} holds {told}: churn.own_table.left, {mapping.left!r}, has to be the one "
            "of who left, beside another of who stayed"
        )
