"""What the provider delivers about its customers: subscribers, address leases, plans, churn events, complaints.

Each is a CSV file with a header in a folder named ``provider`` below the input. Identifiers become tokens on these
small tables, in vectorised Python, so that the key is never part of a plan; the flows then only join.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.customers.attribution import lease_spans
from telflow.errors import InputError
from telflow.ingest.record import normalise_address
from telflow.lake import Lake
from telflow.privacy.tokens import Kind, Tokenizer
from telflow.tables import (
    CHURN_EVENTS,
    COMPLAINTS,
    LEASE_SPANS,
    LEASES,
    PLANS,
    SUBSCRIBERS,
    Table,
)

FOLDER = "provider"


@dataclass(frozen=True)
class Delivery:
    """One file of the provider.

    Attributes:
        file: its name.
        table: where it goes.
        renamed: column of the table to column of the file, where the names differ.
        tokens: column of the file to the kind of token it becomes.
    """

    file: str
    table: Table
    renamed: Mapping[str, str]
    tokens: Mapping[str, Kind]


SUBSCRIBER: Mapping[str, str] = {"customer": "subscriber_id"}
DELIVERIES = (
    Delivery("subscribers.csv", SUBSCRIBERS, SUBSCRIBER, {"subscriber_id": "sub"}),
    Delivery("leases.csv", LEASES, SUBSCRIBER, {"subscriber_id": "sub", "address": "ip"}),
    Delivery("plans.csv", PLANS, {}, {}),
    Delivery("churn_events.csv", CHURN_EVENTS, SUBSCRIBER, {"subscriber_id": "sub"}),
    Delivery("complaints.csv", COMPLAINTS, SUBSCRIBER, {"subscriber_id": "sub"}),
)


def load_provider(lake: Lake, folder: Path, tokenizer: Tokenizer) -> list[str]:
    """Bring the provider's files in ``folder`` into the lake, those that changed since the last time.

    Returns:
        Names of the tables that were written.

    Raises:
        InputError: a file lacks a column or holds a value that cannot be read; nothing of it is taken over then.
    """
    written = [
        delivery.table.name
        for delivery in DELIVERIES
        if (folder / delivery.file).is_file() and load_delivery(lake, folder / delivery.file, delivery, tokenizer)
    ]
    if {SUBSCRIBERS.name, LEASES.name} & set(written):
        spans = lease_spans(lake.read_or_empty(LEASES), lake.read_or_empty(SUBSCRIBERS))
        lake.replace_all(LEASE_SPANS, spans)
    return written


def load_delivery(lake: Lake, path: Path, delivery: Delivery, tokenizer: Tokenizer) -> bool:
    """Put the file's rows in the place of the table's; False where the table holds this very file already."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if lake.last_note(delivery.table) == digest:
        return False
    lake.replace_all(delivery.table, read_delivery(lake.spark, path, delivery, tokenizer), note=digest)
    return True


def read_delivery(spark: SparkSession, path: Path, delivery: Delivery, tokenizer: Tokenizer) -> DataFrame:
    """Rows of a provider's file with the columns of its table.

    Raises:
        InputError: see ``load_provider``.
    """
    sources = {name: delivery.renamed.get(name, name) for name in delivery.table.columns}
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    missing = sorted(set(sources.values()) - set(header))
    if missing:
        raise InputError(
            f"{path}, line 1: column {', '.join(missing)} is missing: the header holds {', '.join(header)}"
        )

    text = spark.read.csv(str(path), header=True, inferSchema=False, multiLine=False, mode="PERMISSIVE")
    text = text.select(*sources.values()).transform(with_tokens, delivery.tokens, tokenizer)
    typed = text.select(
        *[F.col(source).try_cast(delivery.table.schema[name].dataType).alias(name) for name, source in sources.items()],
        F.struct(*sources.values()).alias("text"),
    )
    check_values(typed, path, delivery, sources)
    return typed.drop("text")


def check_values(typed: DataFrame, path: Path, delivery: Delivery, sources: Mapping[str, str]) -> None:
    """Raise an InputError that names the column of the first value that is missing or cannot be read as its type."""
    schema = delivery.table.schema
    is_bad = {
        source: F.col(name).isNull()
        & (F.lit(not schema[name].nullable) | (F.trim(F.col(f"text.{source}")) != F.lit("")))
        for name, source in sources.items()
    }
    counts = typed.agg(*[F.count_if(bad).alias(source) for source, bad in is_bad.items()]).collect()[0].asDict()
    bad_columns = {source: count for source, count in counts.items() if count}
    if bad_columns:
        told = "; ".join(f"{count} of column {source}" for source, count in bad_columns.items())
        kinds = {source: schema[name].dataType.simpleString() for name, source in sources.items()}
        wanted = ", ".join(f"{source} {kinds[source]}" for source in bad_columns)
        line = first_bad_line(path, next(iter(bad_columns)), kinds[next(iter(bad_columns))])
        raise InputError(f"{path}{line}: values missing or not to be read ({told}): needed are {wanted}")


def first_bad_line(path: Path, column: str, kind: str) -> str:
    """`, line N` of the first empty value of ``column``, where that is what is wrong; else nothing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            if not (row.get(column) or "").strip():
                return f", line {number} (column {column}, {kind})"
    return ""


def with_tokens(rows: DataFrame, tokens: Mapping[str, Kind], tokenizer: Tokenizer) -> DataFrame:
    """``rows`` with the columns named in ``tokens`` turned into tokens; an address that is none becomes null."""
    if not tokens:
        return rows

    def replace(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            for column, kind in tokens.items():
                position = table.schema.get_field_index(column)
                table = table.set_column(position, column, column_tokens(table[column], kind, tokenizer))
            yield from table.to_batches()

    return rows.mapInArrow(replace, rows.schema)


def column_tokens(values: pa.ChunkedArray, kind: Kind, tokenizer: Tokenizer) -> pa.Array:
    """Tokens of ``values``, made once for each distinct one."""
    encoded = values.combine_chunks().dictionary_encode()
    distinct = [clean(text, kind) for text in encoded.dictionary.to_pylist()]
    made = [None if text is None else tokenizer.token(kind, text) for text in distinct]
    return pa.array(made, pa.string()).take(encoded.indices)


def clean(text: str, kind: Kind) -> str | None:
    """``text`` as flows spell it, so that the same address has the same token everywhere."""
    return normalise_address(text.strip()) if kind == "ip" else text.strip() or None
