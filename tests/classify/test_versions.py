"""Registry versions in the lake."""

from dataclasses import replace
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from telflow.classify.registries import ProtocolFact, Registry, ServiceFact
from telflow.classify.versions import (
    changes,
    choose_version,
    load_version,
    loaded_versions,
    protocols_frame,
    registry_of,
    services_frame,
)
from telflow.errors import RegistryError
from telflow.lake import Lake
from telflow.tables import IANA_PROTOCOLS, IANA_SERVICES

OLD = Registry(
    "2024-01-01",
    (ServiceFact(6, 80, 81, "http", ("www",), "system"), ServiceFact(17, 2000, 2000, "a", (), "user")),
    (ProtocolFact(1, "icmp"), ProtocolFact(255, None)),
)
NEW_FACTS = (ServiceFact(6, 80, 80, "web", (), "system"), ServiceFact(17, 2000, 2001, "a", (), "user"))


def test_frames_are_rows_of_their_tables(spark: SparkSession) -> None:
    services = spark.createDataFrame(
        [
            ("2024-01-01", 6, 80, "http", ["www"], "system"),
            ("2024-01-01", 6, 81, "http", ["www"], "system"),
            ("2024-01-01", 17, 2000, "a", [], "user"),
        ],
        IANA_SERVICES.schema,
    )
    protocols = spark.createDataFrame([("2024-01-01", 1, "icmp"), ("2024-01-01", 255, None)], IANA_PROTOCOLS.schema)
    assert_df_equality(services_frame(spark, OLD), services)
    assert_df_equality(protocols_frame(spark, OLD), protocols)


def test_loading_twice_is_loading_once_and_versions_never_change(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    assert load_version(lake, OLD) == "2024-01-01"
    written = lake.version(IANA_SERVICES)
    assert load_version(lake, OLD) == "2024-01-01"
    assert lake.version(IANA_SERVICES) == written

    undated_change = replace(OLD, services=NEW_FACTS)
    assert load_version(lake, undated_change) == "2024-01-01.2"
    assert load_version(lake, undated_change) == "2024-01-01.2"
    assert load_version(lake, replace(OLD, version="2023-12-31")) == "2023-12-31"
    assert loaded_versions(lake) == ["2023-12-31", "2024-01-01", "2024-01-01.2"]
    assert registry_of(lake, "2024-01-01").digest == OLD.digest
    assert registry_of(lake, "2024-01-01.2").digest == undated_change.digest


def test_changes_between_versions() -> None:
    changed = changes(OLD, replace(OLD, services=NEW_FACTS))
    assert changed.added == {(17, 2001): "a"}
    assert changed.removed == {(6, 81): "http"}
    assert changed.renamed == {(6, 80): ("http", "web")}


def test_the_newest_version_is_chosen_unless_one_is_wanted() -> None:
    versions = ["2024-01-01.10", "2024-01-01", "2023-05", "2024-01-01.2"]
    assert choose_version(versions, None) == "2024-01-01.10"
    assert choose_version(versions, "2023-05") == "2023-05"


def test_a_version_that_is_not_there_is_refused() -> None:
    with pytest.raises(RegistryError, match="2020-01-01 is not in iana_services, which holds 2023-05"):
        choose_version(["2023-05"], "2020-01-01")
    with pytest.raises(RegistryError, match=r"no IANA registry yet: run jobs/refresh_registry\.py"):
        choose_version([], None)
