"""A provider's own table of customers, who left among them: read by the mapping in conf."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
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
        path: CSV file with a header (``.csv``), or Parquet: a file (``.parquet``) or a folder of such.
        mapping: which column is what.

    Returns:
        ``customer``, ``label`` (int, 1 for who left), numbers as double and words as string, both under their own
        names. A blank is a missing value.

    Raises:
        InputError: it is neither CSV nor Parquet, a column is missing or stands twice, a label is empty, a number is
            none or endless, or the labels do not tell who left.
    """
    wanted = [mapping.customer, mapping.label, *mapping.numeric, *mapping.categorical]
    text = read_text(spark, path, wanted)
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


def read_text(spark: SparkSession, path: Path, wanted: Sequence[str]) -> DataFrame:
    """The table at ``path`` as it stands, which has each of the columns ``wanted`` once.

    Raises:
        InputError: it has not, or cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path} is not there: name the provider's table, a CSV or Parquet file, with --table")
    if path.is_file() and path.suffix.lower() == ".csv":
        check_header(path, csv_header(path), wanted)
        return spark.read.csv(str(path), header=True, inferSchema=False)
    if path.is_file() and path.suffix.lower() != ".parquet":
        raise InputError(f"{path} is neither .csv nor .parquet: save it as one of the two, not packed")
    try:
        table = spark.read.parquet(str(path))
    except (PySparkException, Py4JJavaError):  # the latter where a file has no footer
        kind = "folder of Parquet files" if path.is_dir() else "Parquet file"
        raise InputError(f"{path} cannot be read as a {kind}: name a .csv or .parquet file") from None
    check_header(path, table.columns, wanted)
    return table


def csv_header(path: Path) -> list[str]:
    """Names in the first line.

    Raises:
        InputError: it is no line of CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}, line 1 is no header of a CSV file in UTF-8 ({error}): save it as one") from None


def check_header(path: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a table in which a column that is ``wanted`` is missing, or stands twice for Spark."""
    missing = [name for name in wanted if name not in header]
    if missing:
        raise InputError(
            f"{path}: column {', '.join(missing)} is missing, the table has {', '.join(header)}: "
            "name its columns in churn.own_table"
        )
    folded = [name.casefold() for name in header]
    twice = [name for name in wanted if folded.count(name.casefold()) > 1]
    if twice:
        raise InputError(
            f"{path}: column {', '.join(twice)} stands twice in the header, where capitals and small letters are the "
            "same: rename or remove the other"
        )


def check_values(filled: DataFrame, path: Path, mapping: OwnTableSettings) -> None:
    """Refuse rows without a customer or a label, and numbers that are none."""
    faults = {name: F.col(f"`{name}`").isNull() for name in (mapping.customer, mapping.label)}
    for name in mapping.numeric:
        number = F.col(f"`{name}`").try_cast("double")
        is_number = number.isNotNull() & (F.abs(number) != F.lit(math.inf))
        faults[name] = F.col(f"`{name}`").isNotNull() & ~is_number
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
