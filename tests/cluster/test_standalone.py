"""The jobs from the built wheel, by spark-submit, on a master and two workers: the same tables as on one machine."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, DoubleType, MapType

from jobs import assign_segments, run_pipeline, train_segments
from telflow.lake import Lake
from telflow.settings import load_settings
from telflow.simulate.run import simulate
from telflow.tables import (
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    CUSTOMER_SEGMENTS,
    FLOWS,
    HOUR_BY_WEEKDAY,
    PEAK_TIMES,
    RECLASSIFICATION,
    SCOPE_LOAD,
    TRAFFIC_BY_WINDOW,
    Table,
)
from tests.cluster.standalone import LOOPBACK, SPARK_HOME, Cluster, environment, standalone
from tests.conftest import TEST_KEY
from tests.wheel import build_wheel, copy_sources

pytestmark = pytest.mark.slow

SIMULATED = ["simulate.customers=40", "simulate.days=6"]
SEGMENTS = [
    "segments.window_days=7",
    "segments.min_active_days=2",
    "segments.algorithms=[kmeans]",
    "segments.ks=[3]",
    "segments.transforms=[log_standard]",
    "segments.bootstrap_rounds=2",
    "segments.stability=0.0",
    "segments.smallest_share=0.01",
]
ON_CLUSTER = ["spark.master=null", "spark.shuffle_partitions=4"]
PIPELINE = (
    FLOWS,
    TRAFFIC_BY_WINDOW,
    RECLASSIFICATION,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    SCOPE_LOAD,
    PEAK_TIMES,
    HOUR_BY_WEEKDAY,
)
DIGITS = 9


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the lakes and of their key: other tokens come in another order, and are clustered in another way."""
    home = tmp_path_factory.mktemp("cluster")
    (home / "key").write_text(TEST_KEY)
    return home


@pytest.fixture(scope="module")
def raw(spark: SparkSession, home: Path) -> Path:
    settings = load_settings(overrides=SIMULATED)
    simulate(spark, settings.simulate, settings.network.zone, home / "raw")
    return home / "raw"


@pytest.fixture(scope="module")
def python(home: Path) -> Path:
    """A Python that has the package from its wheel, and the packages that it needs from this one."""
    place = home / "python"
    wheel = build_wheel(copy_sources(home / "source"), home / "wheels", TELFLOW_WHEEL="cluster")
    venv.create(place, with_pip=False)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    install = [sys.executable, "-m", "pip", "--quiet", "--python", str(place / "bin" / "python"), "install"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    return place / "bin" / "python"


@dataclass(frozen=True)
class Site:
    """A cluster, and what jobs on it need.

    Attributes:
        cluster: it.
        python: Python that has the package from its wheel.
        home: folder of the lakes.
        raw: simulated records.
    """

    cluster: Cluster
    python: Path
    home: Path
    raw: Path

    def submit(self, name: str, script: str) -> str:
        """Run a job on the lake of that name; what it wrote to its standard error."""
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        options = {
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.ui.enabled": "false",
            "spark.executor.memory": "1g",
            "spark.pyspark.python": str(self.python),
            "spark.pyspark.driver.python": str(self.python),
        }
        command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", self.cluster.master]
        command += [part for key, value in options.items() for part in ("--conf", f"{key}={value}")]
        command += [str(Path("jobs", script).absolute()), *arguments(self.home, self.raw, name)]
        command += [part for override in ON_CLUSTER for part in ("--set", override)]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stderr


@pytest.fixture(scope="module")
def site(home: Path, raw: Path, python: Path) -> Iterator[Site]:
    with standalone(home) as started:
        yield Site(started, python, home, raw)


@pytest.fixture(scope="module")
def local(spark: SparkSession, home: Path, raw: Path) -> Lake:
    """The lake as one machine makes it."""
    given = [*arguments(home, raw, "local"), "--conf", str(Path("conf").absolute())]
    (home / "local").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(home / "local")
        assert run_pipeline.main(given) == 0
        assert train_segments.main(given) == 0
        assert assign_segments.main(given) == 0
    return Lake(spark, str(home / "local" / "lake"))


def test_the_cluster_makes_the_tables_of_one_machine_though_an_executor_is_killed(
    spark: SparkSession, local: Lake, site: Site
) -> None:
    lake = Lake(spark, str(site.home / "cluster" / "lake"))
    killed: list[int] = []
    Thread(target=kill_one, args=(site.cluster, Path(lake.location(FLOWS)), killed), daemon=True).start()
    told = site.submit("cluster", "run_pipeline.py")
    assert len(killed) == 1
    assert "Lost executor" in told
    for table in PIPELINE:
        assert_same(table, local, lake)
    for script in ("train_segments.py", "assign_segments.py"):
        site.submit("cluster", script)
    assert_same(CUSTOMER_SEGMENTS, local, lake)


def arguments(home: Path, raw: Path, name: str) -> list[str]:
    """The command line of a lake of that name; all have one key, and so the same tokens, and each its own tracking."""
    given = [
        f"lake.root={home / name / 'lake'}",
        f"ingest.input={raw}",
        f"privacy.key_file={home / 'key'}",
        f"mlflow.tracking_uri=sqlite:///cluster-{name}.db",
    ]
    return [part for override in [*given, *SIMULATED, *SEGMENTS] for part in ("--set", override)]


def kill_one(cluster: Cluster, flows: Path, killed: list[int]) -> None:
    """Kill an executor as soon as the first flows are being written."""
    while not any(flows.glob("event_date=*")):
        time.sleep(0.05)
    pid = cluster.executors()[0]
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


def assert_same(table: Table, ours: Lake, theirs: Lake) -> None:
    left, right = comparable(ours.read(table)), comparable(theirs.read(table))
    assert left.count() > 0, table.name
    assert left.exceptAll(right).union(right.exceptAll(left)).limit(3).collect() == [], table.name


def comparable(rows: DataFrame) -> DataFrame:
    """``rows`` with maps as sorted entries, sketches as what they estimate, and doubles without their last digits.

    A centre is a mean of doubles, and those are added in the order in which partitions come in.
    """
    return rows.select(*[plain(column.name, column.dataType) for column in rows.schema])


def plain(name: str, kind: DataType) -> Column:
    if isinstance(kind, MapType):
        return F.array_sort(F.map_entries(name)).alias(name)
    if isinstance(kind, BinaryType):
        return F.hll_sketch_estimate(name).alias(name)
    if isinstance(kind, DoubleType):
        return F.round(name, DIGITS).alias(name)
    return F.col(name)
