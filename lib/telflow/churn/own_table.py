"""A provider's own table of customers, who left among them: read by the mapping in conf."""

import csv
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.churn.columns import Columns
from telflow.errors import InputError
from telflow.settings import OwnTableSettings


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
        InputError: a column is missing, a label is empty, or a number cannot be read as one.
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
    for name in faults:
        if found[name]:
            what = "are no numbers" if name in mapping.numeric else "are empty"
            raise InputError(f"{path}, column {name}: {found[name]} values {what}: mend them, or map another column")
