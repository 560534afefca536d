"""The reader on a Databricks SQL warehouse: the same queries, each relation a common table expression."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from threading import Lock
from typing import Any, Protocol, cast

import polars as pl

from telflow.dashboard.cache import Cache
from telflow.dashboard.data import TableState, Value, missing
from telflow.dashboard.relations import DATABRICKS, RELATIONS, Relation
from telflow.errors import PackageMissingError, SettingsError
from telflow.settings import DashboardSettings, Settings

MISSING_TABLE = "TABLE_OR_VIEW_NOT_FOUND"  # error class of Databricks SQL
WITH = "WITH "


class Cursor(Protocol):
    """The part of a DB-API cursor that is used, with Databricks' way to have Arrow."""

    def execute(self, operation: str, parameters: list[Value]) -> object: ...

    def fetchall_arrow(self) -> Any: ...

    def close(self) -> None: ...


class Connection(Protocol):
    def cursor(self) -> Cursor: ...


class WarehouseReader:
    """Reads tables of a catalogue through ``connect``, one connection for all threads, a cursor for each query."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        schema: str,
        zone: str,
        *,
        refresh_seconds: float = 1.0,
        cache_entries: int = 512,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._schema = schema
        self._zone = zone
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._answers: Cache[pl.DataFrame] = Cache(cache_entries)
        self._seen: dict[str, tuple[float, TableState]] = {}
        self._connection: Connection | None = None
        self._lock = Lock()

    def state(self, relation: str) -> TableState:
        table = RELATIONS[relation].table.name
        seen = self._seen.get(table)
        if seen is not None and self._clock() - seen[0] < self._refresh_seconds:
            return seen[1]
        newest = self._history(RELATIONS[relation])
        state = TableState(table, int(newest["version"]), newest["timestamp"])
        self._seen[table] = (self._clock(), state)
        return state

    def query(self, sql: str, parameters: Sequence[Value], relations: Sequence[str]) -> pl.DataFrame:
        versions = tuple(self.state(relation).version for relation in relations)
        key = (sql, tuple(parameters), versions)
        text = self._with_relations(sql, relations)
        return self._answers.get(key, lambda: self._run(text, list(parameters)))

    def _with_relations(self, sql: str, relations: Sequence[str]) -> str:
        """``sql`` after its ``relations`` as common table expressions; those that it begins with follow them."""
        named = [RELATIONS[name] for name in relations]
        parts = [f"{one.name} AS ({one.sql(DATABRICKS, self._source(one), self._zone)})" for one in named]
        between = ", " if sql.startswith(WITH) else " "
        return f"{WITH}{', '.join(parts)}{between}{sql.removeprefix(WITH)}" if parts else sql

    def _source(self, relation: Relation) -> str:
        return f"{self._schema}.{relation.table.name}"

    def _history(self, relation: Relation) -> dict[str, Any]:
        try:
            rows = self._run(f"DESCRIBE HISTORY {self._source(relation)} LIMIT 1", [])
        except Exception as error:
            if MISSING_TABLE in str(error):
                raise missing(relation) from None
            raise
        return rows.row(0, named=True)

    def _run(self, sql: str, parameters: list[Value]) -> pl.DataFrame:
        connection = self._opened()
        try:
            return answer(connection, sql, parameters)
        except Exception as error:
            if MISSING_TABLE in str(error):
                raise
            self._forget(connection)  # its session ends with the warehouse, which stops when nobody asks
            return answer(self._opened(), sql, parameters)

    def _opened(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None


def answer(connection: Connection, sql: str, parameters: list[Value]) -> pl.DataFrame:
    """Rows that ``sql`` asks for."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql, parameters)
        return cast(pl.DataFrame, pl.from_arrow(cursor.fetchall_arrow()))
    finally:
        cursor.close()


def open_warehouse(settings: Settings) -> WarehouseReader:
    """The reader on the warehouse of the settings; it connects at the first query.

    Raises:
        SettingsError: neither settings nor environment tell the warehouse's address, or credentials for it.
        PackageMissingError: databricks-sql-connector is not installed.
    """
    arguments = connection_arguments(settings.dashboard)
    try:
        connector = import_module("databricks.sql")
    except ImportError:
        raise PackageMissingError(
            'dashboard.reader = warehouse needs databricks-sql-connector: pip install "telflow[warehouse]"'
        ) from None
    return WarehouseReader(
        lambda: cast(Connection, connector.connect(**arguments)),
        settings.lake.root,
        settings.network.zone,
        refresh_seconds=settings.dashboard.refresh_seconds,
        cache_entries=settings.dashboard.cache_entries,
    )


def connection_arguments(
    dashboard: DashboardSettings, environment: Mapping[str, str] = os.environ
) -> dict[str, str | bool | Callable[[], object]]:
    """What the connector needs to know; what the settings leave open is in the variables that Databricks Apps sets.

    Raises:
        SettingsError: neither settings nor environment tell the warehouse's address, or credentials for it.
    """
    host = dashboard.warehouse_host or environment.get("DATABRICKS_HOST", "")
    warehouse = environment.get("DATABRICKS_WAREHOUSE_ID", "")
    path = dashboard.warehouse_path or (warehouse and f"/sql/1.0/warehouses/{warehouse}")
    if not host or not path:
        raise SettingsError(
            "dashboard.reader = warehouse: give dashboard.warehouse_host and dashboard.warehouse_path, "
            "as the page of the SQL warehouse shows them under connection details, or the environment variables "
            "DATABRICKS_HOST and DATABRICKS_WAREHOUSE_ID"
        )
    return {
        "server_hostname": re.sub("^https?://", "", host).rstrip("/"),
        "http_path": path,
        "enable_telemetry": False,  # nothing is told to anybody
        **credentials(dashboard.warehouse_token_variable, host, environment),
    }


def credentials(
    token_variable: str, host: str, environment: Mapping[str, str]
) -> dict[str, str | bool | Callable[[], object]]:
    """A token, or what fetches one for a service principal and renews it, as the connector takes them.

    Raises:
        SettingsError: the environment holds neither.
    """
    token = environment.get(token_variable)
    if token:
        return {"access_token": token}
    client, secret = environment.get("DATABRICKS_CLIENT_ID"), environment.get("DATABRICKS_CLIENT_SECRET")
    if client and secret:
        return {"credentials_provider": partial(machine_headers, host, client, secret)}
    raise SettingsError(
        f"environment variable {token_variable} is empty: put the warehouse's access token in it, or name another "
        "variable in dashboard.warehouse_token_variable; or log a service principal in by DATABRICKS_CLIENT_ID and "
        "DATABRICKS_CLIENT_SECRET, which Databricks Apps sets"
    )


def machine_headers(host: str, client: str, secret: str) -> Callable[[], dict[str, str]]:
    """What makes the headers of each request, with a token that the workspace gives a service principal (OAuth)."""
    sdk = import_module("databricks.sdk.core")  # seconds: nobody waits for it who has a token
    known = sdk.Config(host=host, client_id=client, client_secret=secret, auth_type="oauth-m2m")
    return cast(Callable[[], dict[str, str]], known.authenticate)
