"""Tables and views for tools that read files: Parquet, CSV, or Tableau's Hyper.

Spark writes each table aside, in the folder of the output; it takes its place by being renamed, so that no half of an
export is ever seen. No table goes through the driver's memory: what Hyper's library reads, it reads from files in
batches. Its file is made in a local folder and copied from there.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, DateType, MapType, StructType

from telflow.analysts.hyper import write_hyper
from telflow.analysts.saved import SavedQuery, known, saved_views
from telflow.analysts.views import check_tables, qualified
from telflow.errors import OutputFolderError, RestrictedTableError
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, GOLD_TABLES, Table

Format = Literal["parquet", "csv", "hyper"]
FORMATS: tuple[Format, ...] = ("parquet", "csv", "hyper")
CSV_OPTIONS = {  # RFC 4180: quotes are doubled, and nothing within a value is cut; an empty text is "", null is nothing
    "header": "true",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
}
TIME_OPTIONS = {  # moments in UTC, with their Z; local times without a zone
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "timeZone": "UTC",
}
SYNTHETIC = "These records are synthetic: they were simulated, and are nobody's."
MARK = "SYNTHETIC.txt"
PARQUET_TIMES = "spark.sql.parquet.outputTimestampType"


@dataclass(frozen=True)
class Source:
    """A table or view to export.

    Attributes:
        rows: all of its rows.
        day: column with a day, which a stretch of days is told by; None where there is none.
    """

    name: str
    rows: DataFrame
    day: str | None


@dataclass(frozen=True)
class Exported:
    """What became of a table.

    Attributes:
        path: folder of its files, or its file.
        rows: how many.
        left_out: columns that the format cannot hold.
        whole: all days were written although some were asked for, since it has no column of days.
    """

    name: str
    path: Path
    rows: int
    left_out: tuple[str, ...]
    whole: bool


def choose_sources(lake: Lake, names: Sequence[str], zone: str) -> list[Source]:
    """What to export: ``names`` of tables and views, else the gold tables that are there.

    Args:
        lake: where they are read.
        names: of tables or of views for BI.
        zone: the provider's time zone, which local times in views are of.

    Raises:
        UnknownNameError: neither a table nor a view has the name.
        RestrictedTableError: the table is not for analysts.
        TableMissingError: nothing has written it yet.
    """
    if not names:
        return [table_source(lake, table) for table in GOLD_TABLES if lake.exists(table)]
    choices: dict[str, Table | SavedQuery] = {table.name: table for table in ALL_TABLES}
    choices |= {view.name: view for view in saved_views()}
    chosen = [known(name, choices, "table or view") for name in dict.fromkeys(names)]
    sources = []
    for each in chosen:
        if isinstance(each, Table):
            sources.append(table_source(lake, each))
        else:
            check_tables(lake, each)
            sources.append(view_source(lake.spark.sql(qualified(lake, each.in_zone(zone))), each.name))
    return sources


def table_source(lake: Lake, table: Table) -> Source:
    """``table``, where it is for analysts."""
    if table.restricted:
        raise RestrictedTableError(
            f"{table.name} is not exported: it holds addresses in the clear, or who held which address and when; "
            "ask it inside the lake, or export what is built on it"
        )
    return Source(table.name, lake.read(table), next(iter(days_of(table)), None))


def view_source(rows: DataFrame, name: str) -> Source:
    """A view with the rows ``rows``: its day is the first column that is some table's day; one of signing up is not."""
    told = {day for table in ALL_TABLES for day in days_of(table)}
    return Source(name, rows, next((column for column in rows.columns if column in told), None))


def days_of(table: Table) -> list[str]:
    """Columns of days that ``table`` is partitioned by."""
    return [name for name in table.partition_by if isinstance(table.schema[name].dataType, DateType)]


def export(
    sources: Sequence[Source],
    output: Path,
    form: Format,
    *,
    days: Sequence[date] | None = None,
    gzip: bool = False,
    overwrite: bool = False,
    synthetic: bool = False,
) -> Iterator[Exported]:
    """Write ``sources`` below ``output``: a folder of files each, a file ``<name>.hyper`` for Hyper.

    Args:
        sources: what ``choose_sources`` found.
        output: folder, made where it is missing; driver and cluster see it under one path.
        form: parquet keeps all types; csv and hyper hold nested columns as JSON, and no binary ones.
        days: days to write, all between the first and the last; None for all.
        gzip: compress CSV.
        overwrite: put a new export in the place of an old one.
        synthetic: the records were simulated; a file beside them says so before the first of them is there.

    Yields:
        Each table as soon as it is there.

    Raises:
        OutputFolderError: an export is there already, or one of synthetic records; nothing is written then.
        PackageMissingError: pantab is not installed.
    """
    targets = [target(output, source.name, form) for source in sources]
    there = [str(path) for path in targets if path.exists()]
    if there and not overwrite:
        raise OutputFolderError(
            f"{', '.join(there)}: there already; --overwrite puts the new export in its place, or name another --output"
        )
    mark = output / MARK
    if mark.exists() and not synthetic:
        raise OutputFolderError(
            f"{output} holds synthetic records, as its {MARK} says: name another --output, or remove that folder"
        )
    output.mkdir(parents=True, exist_ok=True)
    if synthetic and sources:
        mark.write_text(f"{SYNTHETIC}\n", encoding="utf-8")
    for source, place in zip(sources, targets, strict=True):
        rows = within(source, days)
        plain = rows if form == "parquet" else flat(rows)
        counted = Observation()
        observed = plain.observe(counted, F.count(F.lit(1)).alias("rows"))
        with aside(output, source.name) as scratch:
            move(write_files(observed, scratch, form, source.name, gzip=gzip), place, scratch)
        left_out = tuple(name for name in rows.columns if name not in plain.columns)
        told = counted.get.get("rows", 0)  # nothing is observed where Spark sees beforehand that there is no row
        yield Exported(source.name, place, told, left_out, days is not None and source.day is None)


def target(output: Path, name: str, form: Format) -> Path:
    """Where the export of ``name`` stands."""
    return output / (f"{name}.hyper" if form == "hyper" else name)


def within(source: Source, days: Sequence[date] | None) -> DataFrame:
    """The rows of ``days``, all where none are named or none can be told."""
    if days is None or source.day is None:
        return source.rows
    return source.rows.where(F.col(source.day).between(min(days), max(days)))


def flat(rows: DataFrame) -> DataFrame:
    """``rows`` without nested columns, which become JSON with times in UTC, and without binary ones."""
    kept = [column for column in rows.schema if not isinstance(column.dataType, BinaryType)]
    return rows.select([as_json(column.name) if is_nested(column.dataType) else F.col(column.name) for column in kept])


def as_json(name: str) -> Column:
    """The nested column ``name`` as JSON."""
    return F.to_json(name, TIME_OPTIONS | {"ignoreNullFields": "false"}).alias(name)


def is_nested(kind: DataType) -> bool:
    return isinstance(kind, ArrayType | MapType | StructType)


def write_files(rows: DataFrame, scratch: Path, form: Format, name: str, *, gzip: bool) -> Path:
    """Write ``rows`` below ``scratch``; the folder or file that is to take its place."""
    written = scratch / name
    even = rows.hint("rebalance")  # files of some 64 MB, a single one for a small table
    if form == "csv":
        options = CSV_OPTIONS | TIME_OPTIONS | {"compression": "gzip" if gzip else "none"}
        even.write.options(**options).csv(str(written))
        tidy(written, name)
        return written
    with standard_times(rows):
        even.write.parquet(str(written))
    tidy(written, name)
    if form == "parquet":
        return written
    file = scratch / f"{name}.hyper"
    with tempfile.TemporaryDirectory() as local:  # Hyper writes here and there in its file, which volumes do not take
        made = Path(local, file.name)
        write_hyper(written, made, name)
        shutil.copyfile(made, file)
    return file


def tidy(folder: Path, name: str) -> None:
    """Give Spark's files short names in their order, and remove its marks."""
    parts = sorted(path for path in folder.iterdir() if path.name.startswith("part-"))
    for mark in set(folder.iterdir()) - set(parts):
        mark.unlink()
    for number, part in enumerate(parts, start=1):
        ending = part.name[part.name.index(".") :]
        part.rename(folder / f"{name}-{number:05d}{ending}")


@contextmanager
def standard_times(rows: DataFrame) -> Iterator[None]:
    """Write timestamps as Parquet's standard type, which other readers take for UTC, and not as Spark's old one."""
    settings = rows.sparkSession.conf
    former = settings.get(PARQUET_TIMES)
    settings.set(PARQUET_TIMES, "TIMESTAMP_MICROS")
    try:
        yield
    finally:
        settings.set(PARQUET_TIMES, str(former))


@contextmanager
def aside(output: Path, name: str) -> Iterator[Path]:
    """A hidden folder in ``output`` that is gone afterwards, whatever happens."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=output.absolute()))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def move(written: Path, place: Path, scratch: Path) -> None:
    """Let ``written`` take ``place``; what stood there goes to ``scratch``, and comes back where the move fails."""
    if not place.is_dir():
        written.replace(place)
        return
    former = place.rename(scratch / "former")
    try:
        written.rename(place)
    except OSError:
        former.rename(place)
        raise
