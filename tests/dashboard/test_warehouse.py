"""The way to a warehouse: where it is, who asks it, and what happens when it has stopped in between."""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from databricks.sql.auth.authenticators import ExternalAuthProvider
from flask import Flask, Response, jsonify, request
from pyspark.sql import SparkSession
from werkzeug.serving import make_server

from telflow.dashboard.compose import compose, open_services
from telflow.dashboard.data import Reader, TableState, Value
from telflow.dashboard.pages import PAGES, customer_flows, customers
from telflow.dashboard.queries.churn import known_of
from telflow.dashboard.queries.facts import is_synthetic
from telflow.dashboard.readers import open_reader
from telflow.dashboard.relations import CUSTOMER_HOURS, DATABRICKS, DUCKDB
from telflow.dashboard.warehouse import WarehouseReader, connection_arguments
from telflow.errors import PackageMissingError, SettingsError, TableMissingError
from telflow.settings import DashboardSettings, Settings, load_settings
from tests.dashboard.lakes import AS_OF, lake_settings

APP = {  # what Databricks Apps puts into an app's environment
    "DATABRICKS_HOST": "https://adb-1.2.example.net/",
    "DATABRICKS_CLIENT_ID": "client",
    "DATABRICKS_CLIENT_SECRET": "word",
    "DATABRICKS_WAREHOUSE_ID": "0123",
}
VARIABLES = (*APP, "DATABRICKS_TOKEN")
SCHEMA = "warehouse_lake"


def dashboard(*overrides: str) -> DashboardSettings:
    return load_settings("prod", ["dashboard.reader=warehouse", *overrides]).dashboard


def workspace() -> Flask:
    """As much of a workspace as gives a service principal its token."""
    server = Flask("workspace")

    @server.get("/.well-known/databricks-config")
    def config() -> Response:
        return jsonify(oidc_endpoint=f"{request.host_url}oidc", workspace_id="1")

    @server.get("/oidc/.well-known/oauth-authorization-server")
    def endpoints() -> Response:
        at = f"{request.host_url}oidc/v1"
        return jsonify(authorization_endpoint=f"{at}/authorize", token_endpoint=f"{at}/token")

    @server.post("/oidc/v1/token")
    def token() -> Response:
        who = request.authorization
        assert who is not None
        assert request.form["grant_type"] == "client_credentials"
        return jsonify(
            {"access_token": f"of-{who.username}-{who.password}", "token_type": "Bearer", "expires_in": 3600}
        )

    return server


@pytest.fixture
def host() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, workspace(), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def test_a_token_of_the_environment_is_taken_first() -> None:
    given = dashboard("dashboard.warehouse_host=h", "dashboard.warehouse_path=/p")
    assert connection_arguments(given, {**APP, "DATABRICKS_TOKEN": "t"}) == {
        "server_hostname": "h",
        "http_path": "/p",
        "enable_telemetry": False,
        "access_token": "t",
    }


def test_an_app_needs_no_settings_but_its_environment() -> None:
    made = connection_arguments(dashboard(), APP)
    assert made["server_hostname"] == "adb-1.2.example.net"
    assert made["http_path"] == "/sql/1.0/warehouses/0123"
    assert "access_token" not in made


def test_a_service_principal_is_given_its_token_by_the_workspace(host: str) -> None:
    made: dict[str, Any] = connection_arguments(dashboard(), {**APP, "DATABRICKS_HOST": host})
    headers: dict[str, str] = {}
    ExternalAuthProvider(made["credentials_provider"]).add_headers(headers)  # as the connector asks for them
    assert headers == {"Authorization": "Bearer of-client-word"}


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ("DATABRICKS_HOST", "give dashboard.warehouse_host"),
        ("DATABRICKS_WAREHOUSE_ID", "give dashboard.warehouse_host"),
        ("DATABRICKS_CLIENT_ID", "environment variable DATABRICKS_TOKEN is empty"),
        ("DATABRICKS_CLIENT_SECRET", "log a service principal in by DATABRICKS_CLIENT_ID"),
    ],
)
def test_what_is_lacking_is_told(lacking: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        connection_arguments(dashboard(), {**APP, lacking: ""})


def test_the_reader_of_a_catalogue_needs_the_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings("prod", ["dashboard.reader=warehouse"])
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match=r"give dashboard\.warehouse_host"):
        open_reader(settings)
    for name, value in APP.items():
        monkeypatch.setenv(name, value)
    assert isinstance(open_reader(settings), WarehouseReader)
    monkeypatch.setitem(sys.modules, "databricks.sql", None)  # as if it were not installed
    with pytest.raises(PackageMissingError, match=r"pip install \"telflow\[warehouse\]\""):
        open_reader(settings)


class Session:
    """A connection whose session lasts for some queries."""

    def __init__(self, lasts: int, told: str = "Invalid SessionHandle") -> None:
        self.left = lasts
        self.told = told

    def cursor(self) -> "Session":
        return self

    def execute(self, _operation: str, _parameters: list[Any]) -> None:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError(self.told)

    def fetchall_arrow(self) -> pa.Table:
        return pa.table({"version": [5], "timestamp": ["2024-01-01"]})

    def close(self) -> None:
        return


def test_a_session_that_ended_is_opened_again_once() -> None:
    sessions = [Session(1), Session(1), Session(0), Session(0)]
    opened = iter(sessions)
    reader = WarehouseReader(lambda: next(opened), "main.lake", "UTC", cache_entries=1)
    asked = "SELECT 1"
    assert reader.query(asked, [], []).equals(pl.DataFrame({"version": [5], "timestamp": ["2024-01-01"]}))
    assert reader.query(f"{asked} + 1", [], []).height == 1  # on the second
    with pytest.raises(RuntimeError, match="Invalid SessionHandle"):
        reader.query(f"{asked} + 2", [], [])  # the third is no better
    assert [session.left for session in sessions] == [-1, -1, -1, 0]


def test_a_missing_table_costs_no_session() -> None:
    opened = iter([Session(0, "[TABLE_OR_VIEW_NOT_FOUND]")])
    reader = WarehouseReader(lambda: next(opened), "main.lake", "UTC")
    for _ in range(2):
        with pytest.raises(TableMissingError):
            reader.state("scope_load")


class Recording:
    """A connection that keeps what it is asked, and has no rows."""

    def __init__(self) -> None:
        self.asked: dict[str, list[Any]] = {}
        self.is_history = False

    def cursor(self) -> "Recording":
        return self

    def execute(self, operation: str, parameters: list[Any]) -> None:
        self.is_history = operation.startswith("DESCRIBE")
        if not self.is_history:
            self.asked.setdefault(operation, parameters)

    def fetchall_arrow(self) -> pa.Table:
        return pa.table({"version": [5], "timestamp": ["2024-01-01"]} if self.is_history else {"nothing": [0]})

    def close(self) -> None:
        return


class Beside:
    """A reader that answers from a lake, and asks a warehouse the same."""

    def __init__(self, reader: Reader, warehouse: WarehouseReader) -> None:
        self.reader = reader
        self.warehouse = warehouse

    def state(self, relation: str) -> TableState:
        return self.reader.state(relation)

    def query(self, sql: str, parameters: Sequence[Value], relations: Sequence[str]) -> pl.DataFrame:
        self.warehouse.query(sql, parameters, relations)
        return self.reader.query(sql, parameters, relations)


SEARCHES = (
    "",
    "?compare=1&category=web&category=gaming",
    "?plan=basic&plan=none&region=metro&region=none&zone=utc",
    "?segment=office&plan=basic",
    "?segment=office",
    "?segment=office&category=web&compare=1",
    "?within=web",
    "?within=web&service=https",
    "?tier=High",
    "?level=Potential+Sales&segment=office",
    "?customer=sub_basic00&compare=1",
    "?who=addresses",
)


def asked_of(settings: Settings) -> dict[str, list[Any]]:
    """What pages and callbacks ask a warehouse on the lake of ``settings``: texts, each with parameters."""
    connection = Recording()
    warehouse = WarehouseReader(lambda: connection, SCHEMA, settings.network.zone, clock=lambda: 0.0)
    reader = Beside(open_reader(settings), warehouse)
    services = open_services(reader, settings, PAGES)
    for page, search in product(PAGES, SEARCHES):
        compose(services, page.path, search)
    for search in ("", "?customer=sub_basic00", "?segment=office&category=web", "?who=addresses"):
        asked = {"search": search, "scheme": "light"}
        customer_flows.flow_cards(customer_flows.asked_view(asked, customers.PAGE, reader, settings))
    customers.found_options("sub_", None, reader)
    known_of(reader, "sub_basic00", AS_OF, 28)
    is_synthetic(reader)
    return connection.asked


def test_hours_of_a_customer_are_the_same_columns_on_either_engine(spark: SparkSession) -> None:
    days = pa.table({
        "local_date": [AS_OF] * 2, "customer": ["sub_a", "sub_b"], "plan": ["basic"] * 2, "region": ["metro"] * 2,
        "bytes_by_hour": [list(range(23)), list(range(25))],
    })  # fmt: skip
    spark.createDataFrame(days.to_pylist()).createOrReplaceTempView("some_days")
    asked = CUSTOMER_HOURS.sql(DATABRICKS, "some_days", "UTC")
    found = [row.asDict() for row in spark.sql(asked).orderBy("customer").collect()]
    embedded = duckdb.connect()
    embedded.register("some_days", days)
    assert found == embedded.sql(CUSTOMER_HOURS.sql(DUCKDB, "some_days", "UTC")).pl().sort("customer").to_dicts()
    assert [(row["hour_0"], row["hour_22"], row["hour_24"]) for row in found] == [(0, 22, None), (0, 22, 24)]


def test_everything_that_pages_ask_can_be_parsed(spark: SparkSession, dashboard_lake: Path) -> None:
    asked = asked_of(lake_settings(dashboard_lake))
    own = [text for text in asked if ", steps AS (" in text or ", names AS (" in text or ", ends AS (" in text]
    assert len(asked) > 80
    assert len(own) > 3
    parser = spark._jsparkSession.sessionState().sqlParser()
    for text in asked:
        parser.parsePlan(text)
