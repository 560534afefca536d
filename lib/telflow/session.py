"""The one place that builds the Spark session."""

import logging
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

from telflow.errors import JavaMissingError
from telflow.settings import SparkSettings

log = logging.getLogger(__name__)
SUPPORTED_JAVA = (17, 21)
DELTA_ORGANISATION = "io.delta"

DELTA_SETTINGS = {  # never of a session that runs already: a workspace has a catalogue of its own in this place
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

SQL_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # a task keeps a file open per day instead of sorting its rows by day first
    "spark.sql.maxConcurrentOutputFileWriters": "128",
    "spark.sql.parquet.compression.codec": "zstd",
    # sets and sketches are aggregated over sorted rows: a hash map of millions of small groups is all garbage
    "spark.sql.execution.useObjectHashAggregateExec": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}

EMBEDDED_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",  # what goes wrong is told by the job itself
    "spark.hadoop.parquet.block.size": str(32 * 2**20),  # a task has a file open per day: 128 of them fit in the heap
    "spark.databricks.delta.snapshotPartitions": "1",  # each task of it costs more than the log of a table has to read
}


def build_session(settings: SparkSettings, app_name: str = "telflow") -> SparkSession:
    """The session of a job: the active one where there is one (a notebook, a test, a workspace), a new one otherwise.

    Where the settings leave the master to the cluster, an active session gets what can be set of them while it runs. An
    embedded one stays as whoever built it wanted it.

    Raises:
        JavaMissingError: the session is to be embedded and no Java it can run on is there.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        if settings.master is None:
            set_up(active, settings)
        return active
    builder: SparkSession.Builder = SparkSession.builder.appName(app_name)
    for key, value in {**DELTA_SETTINGS, **sql_settings(settings)}.items():
        builder = builder.config(key, value)
    if settings.master is not None:
        check_java()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(settings.master).config("spark.driver.memory", settings.driver_memory)
        for key, value in EMBEDDED_SETTINGS.items():
            builder = builder.config(key, value)
        if not has_delta_jars():
            builder = configure_spark_with_delta_pip(builder)
    for key, value in settings.conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def sql_settings(settings: SparkSettings) -> dict[str, str]:
    """Settings of SQL that can be set at any time."""
    return {**SQL_SETTINGS, "spark.sql.shuffle.partitions": str(settings.shuffle_partitions)}


def set_up(active: SparkSession, settings: SparkSettings) -> None:
    """Give a session that runs already what can still be set; what of ``spark.conf`` cannot is told in the log."""
    for key, value in {**sql_settings(settings), **settings.conf}.items():
        if active.conf.isModifiable(key):
            active.conf.set(key, value)
        elif key in settings.conf and active.conf.get(key, None) != value:
            log.warning("%s cannot be set in a session that runs already: set it where the cluster is described", key)


def check_java() -> int:
    """Major version of the Java that Spark will run on.

    Raises:
        JavaMissingError: there is none, or one that Spark does not run on.
    """
    java = java_command()
    remedy = (
        "Spark needs Java 17 or 21: install it (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; "
        "macOS: brew install openjdk@17) and, where several are installed, point JAVA_HOME at it"
    )
    if java is None:
        raise JavaMissingError(f"no Java was found on PATH or in JAVA_HOME. {remedy}")
    told = subprocess.run([java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False)
    for line in told.stderr.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "java.specification.version":
            major = int(value.strip().split(".")[-1])
            if major in SUPPORTED_JAVA:
                return major
            raise JavaMissingError(f"{java} is Java {major}. {remedy}")
    raise JavaMissingError(f"{java} does not tell its version. {remedy}")


def java_command() -> str | None:
    """The ``java`` that Spark starts: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")


def pyspark_jars() -> Path:
    """Folder of the jars of the installed pyspark."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pyspark is not installed: pip install pyspark")
    return Path(spec.origin).parent / "jars"


def has_delta_jars() -> bool:
    """Whether Delta's jars stand beside Spark's own, so that nothing is resolved at the start."""
    return any(pyspark_jars().glob("delta-spark_*.jar"))


def install_delta_jars() -> None:
    """Resolve Delta's jars once, from Maven Central, and put them beside Spark's own: later starts need no network."""
    if has_delta_jars():
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    for key in ("spark.driver.bindAddress", "spark.driver.host"):
        builder = builder.config(key, EMBEDDED_SETTINGS[key])
    spark = configure_spark_with_delta_pip(builder).getOrCreate()
    resolved = [Path(jar.removeprefix("file:")) for jar in str(spark.conf.get("spark.jars")).split(",")]
    spark.stop()
    for jar in resolved:
        organisation, _, maven_name = jar.name.partition("_")  # Ivy puts the organisation before the file's name
        if organisation == DELTA_ORGANISATION:  # what Delta needs beside its own jars, Spark has in its own versions
            shutil.copy2(jar, pyspark_jars() / maven_name)


if __name__ == "__main__":
    try:
        check_java()
    except JavaMissingError as error:
        sys.exit(f"error: {error}")
    install_delta_jars()
