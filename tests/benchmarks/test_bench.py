"""The benchmark at a small size: both sides come to the same rows, and bench.json holds what it should."""

import pytest
from pyspark.sql import SparkSession

from telflow.cli import Job
from telflow.errors import BrokenIdentityError
from telflow.lake import Lake
from telflow.settings import Settings
from tests.benchmarks.bench import SHARED_PARTS, summary
from tests.benchmarks.duck import Duck
from tests.benchmarks.equality import check_equal
from tests.benchmarks.ours import OurRun, run_ours
from tests.benchmarks.workload import bench_settings, flow_files, write_input

pytestmark = pytest.mark.slow

ROWS = 20_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return bench_settings(tmp_path_factory.mktemp("bench"), ROWS)


@pytest.fixture(scope="module")
def ours(spark: SparkSession, settings: Settings) -> OurRun:
    write_input(spark, settings)
    return run_ours(Job(settings, spark, Lake(spark, settings.lake.root)))


@pytest.fixture(scope="module")
def theirs(ours: OurRun, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Duck, dict[str, float]]:
    assert ours.rows
    duck = Duck(tmp_path_factory.mktemp("theirs") / "duckdb", settings)
    return duck, duck.run()


def test_both_sides_come_to_the_same_rows(
    ours: OurRun, theirs: tuple[Duck, dict[str, float]], settings: Settings
) -> None:
    duck, _ = theirs
    compared = check_equal(duck.connection, ours.files, duck.output)
    assert compared.keys() == ours.files.keys()
    assert all(compared.values())
    assert compared["customer_scores"] % 2 == 0  # two schemes are compared
    assert 0.8 * ROWS < ours.rows < 1.2 * ROWS
    assert ours.rows == sum(len(path.read_bytes().splitlines()) - 4 for path in flow_files(settings))


def test_a_difference_is_shown(ours: OurRun, theirs: tuple[Duck, dict[str, float]]) -> None:
    duck, _ = theirs
    lacking = {**ours.files, "traffic_by_window": ours.files["traffic_by_window"][:1]}
    with pytest.raises(BrokenIdentityError, match=r"traffic_by_window: .*first differing rows:\nside=duckdb"):
        check_equal(duck.connection, lacking, duck.output)


def test_the_summary_holds_what_is_compared_from_run_to_run(
    ours: OurRun, theirs: tuple[Duck, dict[str, float]]
) -> None:
    told = summary(ours, theirs[1])
    assert list(told) == ["rows", "ratio_duckdb", "bytes_per_flow", "peak_mib", "seconds"]
    assert set(SHARED_PARTS) <= ours.seconds.keys() & theirs[1].keys()
    assert told["rows"] == ours.rows
    assert ours.bytes_per_flow > 0
    fixed = summary(OurRun(1, 1.0, None, dict.fromkeys(SHARED_PARTS, 3.0), {}), dict.fromkeys(SHARED_PARTS, 2.0))
    assert fixed["ratio_duckdb"] == 1.5
