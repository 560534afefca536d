"""The one reader of the lake. Pages ask it by SQL with parameters, and never learn where the tables are.

``DeltaReader`` reads Delta by delta-rs and keeps the relations that pages asked for in DuckDB, a copy a table version.
A new version is loaded beside the old one, which goes on answering until the new one is there.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol, cast

import duckdb
import polars as pl
from deltalake import DeltaTable
from deltalake.schema import PrimitiveType
from pyarrow.dataset import Dataset, ParquetReadOptions

from telflow.dashboard.cache import Cache
from telflow.dashboard.relations import DUCKDB, RELATIONS, Relation
from telflow.errors import TableMissingError

Value = str | int | float | date | datetime | bool | None
MICROSECONDS = ParquetReadOptions(coerce_int96_timestamp_unit="us")  # Spark's timestamps; nanoseconds end in 2262
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableState:
    """Which rows a relation holds: version of its table, and when that was written (UTC)."""

    table: str
    version: int
    written_at: datetime


class Reader(Protocol):
    """What pages need of a store."""

    def state(self, relation: str) -> TableState:
        """Version of the rows that queries on ``relation`` see.

        Raises:
            TableMissingError: nothing has written the table yet; it names the job that does.
        """

    def query(self, sql: str, parameters: Sequence[Value], relations: Sequence[str]) -> pl.DataFrame:
        """Rows of ``sql`` over ``relations``, each ``?`` in it one of ``parameters``."""


def is_there(reader: Reader, relation: Relation) -> bool:
    """Whether anything has written the table of ``relation``."""
    try:
        reader.state(relation.name)
    except TableMissingError:
        return False
    return True


@dataclass
class Held:
    """A relation that can be queried, and when its table was last looked at."""

    state: TableState
    identity: str  # of the table: one that was made anew counts its versions from 0 again
    looked_at: float
    files: Dataset | None = None  # of a lazy relation, whose rows stay where they are
    lock: Lock = field(default_factory=Lock)


class DeltaReader:
    """Reads Delta tables below a folder or an object store's address."""

    def __init__(
        self,
        root: str,
        zone: str,
        *,
        refresh_seconds: float = 1.0,
        cache_entries: int = 512,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root if "://" in root else str(Path(root).absolute())
        self._zone = zone
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._answers: Cache[pl.DataFrame] = Cache(cache_entries)
        self._held: dict[str, Held] = {}
        self._loading: dict[str, Lock] = {name: Lock() for name in RELATIONS}
        self._connection = duckdb.connect(
            config={"autoinstall_known_extensions": False, "TimeZone": "UTC", "threads": 2, "memory_limit": "4GB"}
        )

    def state(self, relation: str) -> TableState:
        held = self._held.get(relation)
        if held is None:
            return self._first_load(RELATIONS[relation])
        if self._clock() - held.looked_at >= self._refresh_seconds and held.lock.acquire(blocking=False):
            try:
                self._look(RELATIONS[relation], held)
            finally:
                held.lock.release()
        return self._held.get(relation, held).state

    def query(self, sql: str, parameters: Sequence[Value], relations: Sequence[str]) -> pl.DataFrame:
        states = tuple(self.state(relation) for relation in relations)
        key = (sql, tuple(parameters), states)
        return self._answers.get(key, lambda: self._run(sql, parameters, relations))

    def _run(self, sql: str, parameters: Sequence[Value], relations: Sequence[str]) -> pl.DataFrame:
        cursor = self._connection.cursor()  # a connection is one thread's at a time, its cursors are not
        try:
            for name in relations:
                if RELATIONS[name].is_lazy:
                    cursor.register(f"{name}_files", self._held[name].files)
                    select = RELATIONS[name].sql(DUCKDB, f"{name}_files", self._zone)
                    define(cursor, RELATIONS[name], f"CREATE TEMP VIEW {name} AS {select}")
            return cast(pl.DataFrame, pl.from_arrow(cursor.sql(sql, params=list(parameters)).to_arrow_table()))
        finally:
            cursor.close()

    def _first_load(self, relation: Relation) -> TableState:
        with self._loading[relation.name]:
            held = self._held.get(relation.name)
            return held.state if held is not None else self._load(relation)

    def _look(self, relation: Relation, held: Held) -> None:
        held.looked_at = self._clock()
        try:
            table = self._open(relation)
        except TableMissingError:
            self._held.pop(relation.name, None)
            raise
        if (table.version(), str(table.metadata().id)) != (held.state.version, held.identity):
            Thread(target=self._reload, args=(relation,), daemon=True).start()

    def _reload(self, relation: Relation) -> None:
        if not self._loading[relation.name].acquire(blocking=False):
            return
        try:
            self._load(relation)
        except (duckdb.Error, OSError, TableMissingError):
            log.exception("%s: the new version could not be loaded, the old one stays", relation.name)
        finally:
            self._loading[relation.name].release()

    def _load(self, relation: Relation) -> TableState:
        table = self._open(relation)
        files = table.to_pyarrow_dataset(parquet_read_options=lazy_options(table) if relation.is_lazy else MICROSECONDS)
        if not relation.is_lazy:
            self._take_over(relation, files)
        written = datetime.fromtimestamp(table.history(1)[0]["timestamp"] / 1000, UTC)
        state = TableState(relation.table.name, table.version(), written)
        self._held[relation.name] = Held(
            state, str(table.metadata().id), self._clock(), files if relation.is_lazy else None
        )
        return state

    def _take_over(self, relation: Relation, files: Dataset) -> None:
        cursor = self._connection.cursor()
        try:
            cursor.register("source", files)
            select = relation.sql(DUCKDB, "source", self._zone)
            define(cursor, relation, f"CREATE OR REPLACE TABLE {relation.name} AS {select}")
        finally:
            cursor.close()

    def _open(self, relation: Relation) -> DeltaTable:
        address = f"{self._root.rstrip('/')}/{relation.table.name}"
        if not DeltaTable.is_deltatable(address):
            raise missing(relation)
        return DeltaTable(address)


def lazy_options(table: DeltaTable) -> ParquetReadOptions:
    """How files are read with every query: words stay numbers of a dictionary, a third less work on flows."""
    words = [column.name for column in table.schema().fields if column.type == PrimitiveType("string")]
    return ParquetReadOptions(coerce_int96_timestamp_unit="us", dictionary_columns=words)


def define(cursor: duckdb.DuckDBPyConnection, relation: Relation, statement: str) -> None:
    """Make ``relation`` in DuckDB.

    Raises:
        TableMissingError: its table lacks a column, as an older version of the program has written it.
    """
    try:
        cursor.execute(statement)
    except duckdb.BinderException as error:
        lacking = str(error).splitlines()[0]
        raise TableMissingError(
            f"{relation.table.name} is not as this version writes it ({lacking}): run {relation.writer} again."
        ) from None


def missing(relation: Relation) -> TableMissingError:
    """What to say where nothing has written the table of ``relation`` yet."""
    return TableMissingError(
        f"The table {relation.table.name} is not there yet: run {relation.writer}, which writes it."
    )
