"""A whole simulation on disk: the same bytes every time, nothing half-written, no folder spoilt."""

import hashlib
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from telflow.errors import OutputFolderError, SettingsError
from telflow.settings import SimulateSettings
from telflow.simulate.customers import NEVER, Customers, make_customers
from telflow.simulate.run import (
    MARKER,
    provider_tables,
    shard_customers,
    simulate,
    truth_tables,
    write_tables,
    write_unit,
)
from tests.simulate.conftest import ZONE, small_settings


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("simulation") / "raw"
    told = simulate(spark, small_settings(), ZONE, output)
    assert told.files == 5  # four local days lie in five UTC days
    assert 0 < told.customer_flows < told.flows
    assert told.size_bytes == sum(path.stat().st_size for path in output.glob("*.csv"))
    return output


def test_files_lie_where_they_are_said_to(written: Path) -> None:
    assert sorted(digests(written)) == [
        MARKER,
        *(f"nfcapd.2024010{day}0000.csv" for day in range(1, 6)),
        *(f"provider/{name}.csv" for name in ("churn_events", "complaints", "leases", "plans", "subscribers")),
        "truth/truth_customer_categories.parquet",
        "truth/truth_customer_weeks.parquet",
        "truth/truth_customers.parquet",
        "truth/truth_leases.parquet",
        "truth/truth_services.parquet",
    ]
    assert "synthetic" in (written / MARKER).read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes_whoever_makes_them(written: Path, tmp_path: Path) -> None:
    for unit in (4, 2, 0, 1, 3):  # one process, another order
        write_unit(small_settings(), ZONE, tmp_path, unit)
    write_tables(small_settings(), ZONE, tmp_path)
    assert digests(tmp_path) == {name: digest for name, digest in digests(written).items() if name != MARKER}


def test_running_again_changes_nothing(spark: SparkSession, written: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*")}
    told = simulate(spark, small_settings(), ZONE, written)
    assert told.was_there
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*")} == before


def test_a_run_that_was_cut_short_is_made_whole(spark: SparkSession, written: Path, tmp_path: Path) -> None:
    output = tmp_path / "raw"
    output.mkdir()
    marker = (written / MARKER).read_text(encoding="utf-8")
    (output / MARKER).write_text(marker[: marker.index(',\n  "written"')] + "\n}\n", encoding="utf-8")
    assert not simulate(spark, small_settings(), ZONE, output).was_there
    assert digests(output) == digests(written)


def test_another_simulation_is_not_mixed_in(spark: SparkSession, written: Path) -> None:
    with pytest.raises(OutputFolderError, match=r"seed 7 there, 8 asked for.*--output"):
        simulate(spark, small_settings(seed=8), ZONE, written)


def test_a_folder_of_somebody_else_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputFolderError, match="no simulation wrote"):
        simulate(spark, small_settings(), ZONE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_more_files_than_customers_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"files_per_day = 16.*at most 15"):
        simulate(spark, small_settings(files_per_day=16), ZONE, tmp_path / "raw")


def test_other_formats_have_folders_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    settings = small_settings(days=1, formats=["zeek", "goflow2"], files_per_day=2)
    told = simulate(spark, settings, ZONE, tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw" / "zeek").iterdir()) == [
        "conn-r001.2024-01-01.log",
        "conn-r001.2024-01-02.log",
        "conn-r002.2024-01-01.log",
        "conn-r002.2024-01-02.log",
    ]
    assert len(list((tmp_path / "raw" / "goflow2").iterdir())) == 4
    assert told.files == 8
    assert not list((tmp_path / "raw").glob("*.csv"))


@pytest.mark.parametrize("files_per_day", [1, 2, 7, 15])
def test_shards_hold_every_customer_once(files_per_day: int) -> None:
    settings = small_settings(files_per_day=files_per_day)
    numbers = [n for shard in range(files_per_day) for n in shard_customers(settings, shard).number.tolist()]
    assert numbers == list(range(60))


def test_provider_and_truth_agree(months: SimulateSettings, many: Customers) -> None:
    provider, truth = provider_tables(months, ZONE), truth_tables(months, ZONE)
    subscribers, told = provider["subscribers"], truth["truth_customers"]
    assert subscribers["subscriber_id"].to_list() == told["subscriber_id"].to_list()
    assert subscribers["subscriber_id"][0] == "S0000001"
    assert subscribers["plan"].to_list() == told["plan"].to_list()
    left = told.filter(pl.col("churn_date").is_not_null()).select("subscriber_id", "churn_date")
    assert provider["churn_events"].select("subscriber_id", "churn_date").sort("subscriber_id").equals(left)
    assert left.height == int((many.churn_day < NEVER).sum())
    weeks = truth["truth_customer_weeks"]
    assert weeks.filter("has_churned").height == left.height
    assert weeks["churn_probability"].is_between(0, 1).all()
    assert told.filter("needs_upsize")["churn_date"].is_null().all()
    assert (told.filter("needs_upsize")["final_utilisation"] > 0.9).all()
    assert (told.filter("needs_upsize")["ideal_plan"] != told.filter("needs_upsize")["plan"]).all()
    shares = truth["truth_customer_categories"].group_by("subscriber_id").agg(pl.sum("flow_share", "byte_share"))
    assert ((shares["flow_share"] - 1).abs() < 1e-9).all()
    assert ((shares["byte_share"] - 1).abs() < 1e-9).all()


def test_complaints_come_from_subscribers_while_they_are(months: SimulateSettings) -> None:
    provider, truth = provider_tables(months, ZONE), truth_tables(months, ZONE)["truth_customers"]
    complaints = provider["complaints"].join(truth, on="subscriber_id", how="left")
    assert complaints.height > 200
    assert (complaints["complaint_date"] >= complaints["signup_date"]).all()
    assert (complaints["complaint_date"] <= complaints["churn_date"].fill_null(date(2024, 2, 29))).all()


def test_leases_are_delivered_in_utc_with_open_ends() -> None:
    leases = provider_tables(small_settings(), ZONE)["leases"]
    assert leases.columns == ["subscriber_id", "address", "valid_from", "valid_to"]
    assert leases["valid_from"].str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$").all()
    assert leases["valid_to"].is_null().any()
    customers = make_customers(small_settings(), 0, 60)
    joined = leases.filter(pl.col("subscriber_id") == f"S{int((customers.signup_day > 0).argmax()) + 1:07d}")
    assert datetime.fromisoformat(str(joined["valid_from"].min())).hour == 8  # midnight in Vancouver
