"""What the provider delivers about its customers: subscribers, address leases, plans, churn events, complaints.

Each is a CSV file with a header in a folder named ``provider`` below the input. Identifiers become tokens on these
small tables, in vectorised Python, so that the key is never part of a plan; the flows then only join.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from os import SEEK_END
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.customers.attribution import lease_spans
from telflow.customers.changes import changed_days
from telflow.days import CHANGE, days_lasted, log_days, next_run
from telflow.errors import InputError
from telflow.ingest.files import part_without_globs
from telflow.ingest.record import normalise_address
from telflow.lake import Lake
from telflow.privacy.tokens import Kind, Tokenizer
from telflow.tables import (
    CHURN_EVENTS,
    COMPLAINTS,
    FLOWS,
    LEASE_SPANS,
    LEASES,
    PLANS,
    SUBSCRIBERS,
    Table,
)

FOLDER = "provider"
EMPTY = ""


@dataclass(frozen=True)
class Delivery:
    """One file of the provider.

    Attributes:
        file: its name.
        table: where it goes.
        renamed: column of the table to column of the file, where the names differ.
        tokens: column of the file to the kind of token it becomes.
        unique: column of the file whose values stand there once each; None where none needs to.
    """

    file: str
    table: Table
    renamed: Mapping[str, str]
    tokens: Mapping[str, Kind]
    unique: str | None = None


SUBSCRIBER: Mapping[str, str] = {"customer": "subscriber_id"}
DELIVERIES = (
    Delivery("subscribers.csv", SUBSCRIBERS, SUBSCRIBER, {"subscriber_id": "sub"}, unique="subscriber_id"),
    Delivery("leases.csv", LEASES, SUBSCRIBER, {"subscriber_id": "sub", "address": "ip"}),
    Delivery("plans.csv", PLANS, {}, {}, unique="plan"),
    Delivery("churn_events.csv", CHURN_EVENTS, SUBSCRIBER, {"subscriber_id": "sub"}),
    Delivery("complaints.csv", COMPLAINTS, SUBSCRIBER, {"subscriber_id": "sub"}),
)


def provider_folders(inputs: Sequence[str]) -> list[Path]:
    """The folder ``provider`` below an input that is a folder, or beside the files that an input names.

    Returns:
        One folder, or none where there is none.

    Raises:
        InputError: there is more than one, and each would take the place of the other.
    """
    above = {part_without_globs(given) for given in inputs}
    folders = {(path if path.is_dir() else path.parent).resolve() / FOLDER for path in above}
    found = sorted(folder for folder in folders if folder.is_dir())
    if len(found) > 1:
        raise InputError(
            f"{' and '.join(map(str, found))} would take each other's place: leave one of them, with what all hold"
        )
    return found


def load_provider(lake: Lake, folder: Path, tokenizer: Tokenizer) -> list[str]:
    """Bring the provider's files in ``folder`` into the lake, those that changed since the last time.

    Returns:
        Names of the tables that were written.

    Raises:
        InputError: a file lacks a column or holds a value that cannot be; no file is taken over then.
    """
    changed = []
    for delivery in DELIVERIES:
        path = folder / delivery.file
        digest = file_digest(path) if path.is_file() else None
        if digest is not None and lake.last_note(delivery.table) != digest:
            changed.append((delivery.table, read_delivery(lake.spark, path, delivery, tokenizer), digest))
    for table, rows, digest in changed:
        lake.replace_all(table, rows, note=digest)
    settle_leases(lake)
    return [table.name for table, _, _ in changed]


def settle_leases(lake: Lake) -> None:
    """Write lease_spans, unless it was made of these very leases and subscribers: a run may have died in between.

    Days whose flows have another customer, plan or region by the new spans are logged as changed, before the spans
    themselves are: a run that dies in between logs them again.
    """
    made_of = f"{lake.last_note(LEASES)} {lake.last_note(SUBSCRIBERS)}"
    if lake.exists(LEASES) and lake.last_note(LEASE_SPANS) != made_of:
        spans = lease_spans(lake.read(LEASES), lake.read_or_empty(SUBSCRIBERS))
        log_days(lake, CHANGE, days_to_rebuild(lake, spans), next_run(lake))
        lake.replace_all(LEASE_SPANS, spans, note=made_of)


def days_to_rebuild(lake: Lake, spans: DataFrame) -> list[date]:
    """UTC days that flows lasted into which began on days that ``spans`` and those of the lake tell differently of."""
    days = lake.read_or_empty(FLOWS).select("event_date").distinct()
    changed = [row.day for row in changed_days(lake.read_or_empty(LEASE_SPANS), spans, days).collect()]
    return days_lasted(lake.read(FLOWS).where(F.col("event_date").isin(changed))) if changed else []


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_delivery(spark: SparkSession, path: Path, delivery: Delivery, tokenizer: Tokenizer) -> DataFrame:
    """Rows of a provider's file with the columns of its table.

    Raises:
        InputError: see ``load_provider``.
    """
    sources = {name: delivery.renamed.get(name, name) for name in delivery.table.columns}
    check_lines(path, set(sources.values()))
    # a name such as [2024] is no glob here
    reader = spark.read.options(header=True, inferSchema=False, multiLine=False, mode="PERMISSIVE", __globPaths__=False)
    text = reader.csv(str(path.resolve()))
    text = text.select(*sources.values()).transform(with_tokens, delivery.tokens, tokenizer)
    typed = text.select(
        *[F.col(source).try_cast(delivery.table.schema[name].dataType).alias(name) for name, source in sources.items()],
        F.struct(*sources.values()).alias("text"),
    )
    check_values(typed, path, delivery, sources)
    return typed.drop("text")


def check_lines(path: Path, needed: set[str]) -> None:
    """Refuse a file without a column that is needed, or with a line that is not whole.

    Raises:
        InputError: it names the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            missing = sorted(needed - set(header))
            if missing:
                raise InputError(
                    f"{path}, line 1: column {', '.join(missing)} is missing: the header holds {', '.join(header)}"
                )
            last = header
            for row in rows:
                last = row or last
                if row and len(row) != len(header):
                    raise InputError(
                        f"{path}, line {rows.line_num}: {len(row)} values stand under {len(header)} columns: the file "
                        "is cut or damaged there, deliver it again whole"
                    )
            if not last[-1] and not ends_its_line(path):  # a lease without an end, or one whose end is lost?
                raise InputError(
                    f"{path}, line {rows.line_num}: the file ends after a comma: it may be cut there, deliver it again "
                    "with its last line ended"
                )
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error.reason}, byte {error.start}): save it as UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}: mend it and deliver the file again") from None


def ends_its_line(path: Path) -> bool:
    """Whether the last byte of the file ends a line."""
    with path.open("rb") as file:
        file.seek(-1, SEEK_END)
        return file.read(1) in (b"\n", b"\r")


def check_values(typed: DataFrame, path: Path, delivery: Delivery, sources: Mapping[str, str]) -> None:
    """Refuse values that are missing, cannot be read as their type, break a promise of the table, or stand twice.

    Raises:
        InputError: it names the file, the column, and the line where it can be found.
    """
    schema, checks = delivery.table.schema, delivery.table.checks
    text = {source: F.trim(F.col(f"text.{source}")) for source in sources.values()}
    is_bad = {
        source: F.col(name).isNull()
        & (F.lit(not schema[name].nullable) | (F.coalesce(text[source], F.lit(EMPTY)) != F.lit(EMPTY)))
        for name, source in sources.items()
    }
    found = typed.agg(
        *[F.count_if(bad).alias(source) for source, bad in is_bad.items()],
        *[
            F.min(F.when(bad, F.coalesce(text[source], F.lit(EMPTY)))).alias(f"{source} text")
            for source, bad in is_bad.items()
        ],
        *[F.count_if(~F.expr(condition)).alias(f"check {name}") for name, condition in checks.items()],
    ).collect()[0]
    for name, source in sources.items():
        if found[source]:
            kind = schema[name].dataType.simpleString()
            shown = "" if source in delivery.tokens else found[f"{source} text"]
            raise InputError(
                f"{path}{line_of(path, source, shown)}, column {source}: {found[source]} values are missing or cannot "
                f"be read as {kind}: mend them and deliver the file again"
            )
    for name, condition in checks.items():
        if found[f"check {name}"]:
            raise InputError(f"{path}: {found[f'check {name}']} lines break the rule {name}: {condition}")
    if delivery.unique is not None:
        check_unique(typed, path, delivery.unique)


def check_unique(typed: DataFrame, path: Path, column: str) -> None:
    """Refuse a value that stands twice: whoever it is would be counted twice."""
    repeated = typed.groupBy(F.col(f"text.{column}")).count().where("count > 1").count()
    if repeated:
        raise InputError(
            f"{path}, column {column}: {repeated} values stand there more than once: leave one line of each"
        )


def line_of(path: Path, column: str, value: str) -> str:
    """`, line N` of the first line with ``value`` in ``column``; nothing where there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            if (row.get(column) or "").strip() == value:
                return f", line {number}"
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
