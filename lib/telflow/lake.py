"""The one place that reads and writes Delta: declared tables under a folder, or in a catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.errors import TableMissingError, TableOutdatedError
from telflow.settings import LakeSettings
from telflow.tables import PIPELINE, Table

GONE: Final = ("DELTA_VERSION_NOT_FOUND", "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION")


@dataclass(frozen=True)
class Lake:
    """Declared tables under one root.

    Attributes:
        spark: the session.
        root: folder of the tables, such as ``./lake``; or ``catalog.schema`` when ``in_catalog``.
        in_catalog: True to name tables in a catalogue, three-level names and all.
    """

    spark: SparkSession
    root: str
    in_catalog: bool = False

    @classmethod
    def of(cls, spark: SparkSession, settings: LakeSettings) -> "Lake":
        """The lake of the settings; a relative folder is taken from here, as Delta takes none."""
        is_local = not settings.in_catalog and "://" not in settings.root
        root = str(Path(settings.root).absolute()) if is_local else settings.root
        return cls(spark, root, settings.in_catalog)

    def name(self, table: Table) -> str:
        """Name of ``table`` for SQL."""
        return f"{self.root}.{table.name}" if self.in_catalog else f"delta.`{self.location(table)}`"

    def location(self, table: Table) -> str:
        """Where ``table`` is: its path, or its name in the catalogue."""
        return f"{self.root}.{table.name}" if self.in_catalog else f"{self.root.rstrip('/')}/{table.name}"

    def exists(self, table: Table) -> bool:
        """Whether ``table`` has been created."""
        if self.in_catalog:
            return bool(self.spark.catalog.tableExists(self.location(table)))
        return bool(DeltaTable.isDeltaTable(self.spark, self.location(table)))

    def create(self, table: Table) -> None:
        """Create ``table`` with comments, layout and constraints, unless it is there."""
        if self.exists(table):
            return
        builder = DeltaTable.createIfNotExists(self.spark).comment(f"{table.grain}. {table.answers}")
        builder = builder.tableName(self.location(table)) if self.in_catalog else builder.location(self.location(table))
        builder = builder.addColumns(table.schema).partitionedBy(*table.partition_by)
        for key, value in properties(table).items():
            builder = builder.property(key, value)
        builder.execute()

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """Rows of ``table``, as it is now or as it was in ``version``.

        Raises:
            TableMissingError: nothing has written it yet, or that version is held no more.
            TableOutdatedError: it lacks a column that cannot be null.
        """
        self._check_there(table)
        rows = self.spark.read.table(self.name(table)) if version is None else self._read_version(table, version)
        return rows.transform(with_later_columns, table)

    def read_or_empty(self, table: Table) -> DataFrame:
        """Rows of ``table``, none where nothing has written it yet."""
        return self.read(table) if self.exists(table) else self.spark.createDataFrame([], table.schema)

    def version(self, table: Table) -> int:
        """Version of ``table`` at this moment.

        Raises:
            TableMissingError: nothing has written it yet.
        """
        self._check_there(table)
        return int(self.spark.sql(f"DESCRIBE HISTORY {self.name(table)} LIMIT 1").collect()[0]["version"])

    def last_note(self, table: Table) -> str | None:
        """Note on the last commit of ``table``, as ``replace`` or ``replace_all`` left it."""
        history = self.spark.sql(f"DESCRIBE HISTORY {self.name(table)} LIMIT 1") if self.exists(table) else None
        return history.collect()[0]["userMetadata"] if history is not None else None

    def append(self, table: Table, rows: DataFrame) -> None:
        """Add ``rows`` in one commit."""
        self._write(table, rows, {}, mode="append")

    def append_once(self, table: Table, rows: DataFrame, name: str, number: int) -> None:
        """Add ``rows`` in one commit, unless one under ``name`` has been made with this number or a higher one.

        Raises:
            ConcurrentTransactionException: another one under ``name`` came through at the same moment.
        """
        self._write(table, rows, {"txnAppId": name, "txnVersion": str(number)}, mode="append")

    def replace(self, table: Table, rows: DataFrame, where: str, note: str = "") -> None:
        """Put ``rows`` in the place of those that match ``where``, in one commit: twice is the same as once.

        ``where`` is an SQL predicate that all of ``rows`` fulfil; Delta refuses others. ``note`` stays on the commit.
        """
        self._write(table, rows, {"replaceWhere": where, "userMetadata": note})

    def replace_days(self, table: Table, rows: DataFrame, days: Iterable[date]) -> None:
        """Put ``rows`` in the place of the partitions of ``days``, in one commit, each day in few files."""
        listed = ", ".join(f"DATE'{day}'" for day in sorted(set(days)))
        if listed:
            day = table.partition_by[0]
            self.replace(table, rows.hint("rebalance", day), f"{day} IN ({listed})")

    def replace_all(self, table: Table, rows: DataFrame, note: str = "") -> None:
        """Put ``rows`` in the place of the whole table, in one commit with a note on it."""
        self._write(table, rows, {"userMetadata": note})

    def delete(self, table: Table, where: str) -> None:
        """Remove the rows that match ``where``; nothing happens where the table is not there yet."""
        if self.exists(table):
            self.spark.sql(f"DELETE FROM {self.name(table)} WHERE {where}")

    def update(self, table: Table, where: str, values: dict[str, str]) -> None:
        """Set columns to SQL expressions in the rows that match ``where``."""
        assignments = ", ".join(f"{column} = {expression}" for column, expression in values.items())
        self.spark.sql(f"UPDATE {self.name(table)} SET {assignments} WHERE {where}")

    def compact(self, table: Table) -> tuple[int, int]:
        """Join small files of ``table``, each partition's by itself; how many there were, and are."""
        if not self.exists(table):
            return 0, 0
        before = len(self.read(table).inputFiles())
        self.spark.sql(f"OPTIMIZE {self.name(table)}")
        return before, len(self.read(table).inputFiles())

    def vacuum(self, table: Table) -> None:
        """Remove files that no version of the last week holds; nothing happens where the table is not there yet."""
        if self.exists(table):
            self.spark.sql(f"VACUUM {self.name(table)}")

    def _check_there(self, table: Table) -> None:
        if not self.exists(table):
            raise TableMissingError(f"{self.location(table)} is not there yet: {remedy(table)}")

    def _read_version(self, table: Table, version: int) -> DataFrame:
        try:
            return self.spark.sql(f"SELECT * FROM {self.name(table)} VERSION AS OF {version}")
        except AnalysisException as error:
            if error.getCondition() not in GONE:
                raise
            why = str(error).partition("\n")[0]
            raise TableMissingError(
                f"version {version} of {self.location(table)} cannot be read ({why}): Delta reads the newest, and "
                "others for a week after they were written; choose one of these"
            ) from None

    def _write(self, table: Table, rows: DataFrame, options: dict[str, str], mode: str = "overwrite") -> None:
        self.create(table)
        typed = rows.select(*[F.col(column.name).cast(column.dataType) for column in table.schema])
        writer = typed.write.format("delta").mode(mode).options(mergeSchema="true", **options)
        if self.in_catalog:
            writer.saveAsTable(self.location(table))
        else:
            writer.save(self.location(table))


def remedy(table: Table) -> str:
    """What to do where ``table`` is not there: which job writes it, and whether the daily run does too."""
    if not table.writer:
        return "no job has run on this lake; begin with jobs/run_pipeline.py"
    daily = "" if table.writer == PIPELINE or not table.is_daily else f", or jobs/{PIPELINE}, which runs that too"
    return f"run jobs/{table.writer} first{daily}"


def with_later_columns(rows: DataFrame, table: Table) -> DataFrame:
    """``rows`` of a table that an earlier version of the program made, with the columns declared since, as nulls.

    Raises:
        TableOutdatedError: one of them cannot be null.
    """
    there = set(rows.columns)
    later = [column for column in table.schema if column.name not in there]
    needed = [column.name for column in later if not column.nullable]
    if needed:
        raise TableOutdatedError(
            f"{table.name} was made by an earlier version, without {', '.join(needed)}: remove the table and run "
            f"jobs/{table.writer} over all days again"
        )
    return rows.withColumns({column.name: F.lit(None).cast(column.dataType) for column in later})


def on_day(as_of: date) -> str:
    """SQL predicate for the rows of a day, in a table with a column ``as_of``."""
    return f"as_of = DATE'{as_of}'"


def properties(table: Table) -> dict[str, str]:
    """Delta table properties of ``table``: constraints, statistics, and no feature that other readers lack."""
    constraints = {f"delta.constraints.{name}": condition for name, condition in table.checks.items()}
    statistics = {"delta.dataSkippingStatsColumns": ",".join(table.stats_columns)} if table.stats_columns else {}
    return {"delta.enableDeletionVectors": "false", **constraints, **statistics}
