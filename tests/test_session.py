"""What is said where Java is missing or unfit, and what a session that runs already is given."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.errors import JavaMissingError
from telflow.session import SUPPORTED_JAVA, build_session, check_java
from telflow.settings import SparkSettings

SHUFFLE, SPLIT, MEMORY = "spark.sql.shuffle.partitions", "spark.sql.files.maxPartitionBytes", "spark.executor.memory"


def fake_java(folder: Path, told: str) -> None:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    program.chmod(0o755)


def test_the_java_here_is_supported() -> None:
    assert check_java() in SUPPORTED_JAVA


def test_no_java_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaMissingError, match=r"no Java was found.*openjdk-17"):
        check_java()


@pytest.mark.parametrize(
    ("version", "is_fit"), [("17", True), ("21", True), ("11", False), ("1.8", False), ("25", False)]
)
def test_only_tested_versions_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, is_fit: bool
) -> None:
    fake_java(tmp_path, f"    java.specification.version = {version}")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if is_fit:
        assert check_java() == int(version)
    else:
        with pytest.raises(JavaMissingError, match=f"is Java {version.removeprefix('1.')}"):
            check_java()


def test_a_java_that_does_not_tell_its_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_java(tmp_path, "hello")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaMissingError, match="does not tell its version"):
        check_java()


def settings(master: str | None, **conf: str) -> SparkSettings:
    return SparkSettings(master=master, shuffle_partitions=7, driver_memory="1g", conf=conf)


def test_a_session_of_a_cluster_is_given_what_can_still_be_set(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    before = {key: spark.conf.get(key) for key in (SHUFFLE, SPLIT, "spark.sql.catalog.spark_catalog")}
    try:
        given = build_session(settings(None, **{SPLIT: "1048576", MEMORY: "3g"}))
        assert given.sparkContext is spark.sparkContext
        assert (spark.conf.get(SHUFFLE), spark.conf.get(SPLIT)) == ("7", "1048576")
        assert spark.conf.get("spark.sql.catalog.spark_catalog") == before["spark.sql.catalog.spark_catalog"]
        assert [record.getMessage() for record in caplog.records] == [
            f"{MEMORY} cannot be set in a session that runs already: set it where the cluster is described"
        ]
    finally:
        for key in (SHUFFLE, SPLIT):
            spark.conf.set(key, str(before[key]))


def test_an_embedded_session_stays_as_it_was_built(spark: SparkSession) -> None:
    before = spark.conf.get(SHUFFLE)
    assert build_session(settings("local[1]")).sparkContext is spark.sparkContext
    assert spark.conf.get(SHUFFLE) == before != "7"
