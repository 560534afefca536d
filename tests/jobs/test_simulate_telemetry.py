"""The job end to end, twice: the second run changes nothing; the truth in the lake names nobody."""

from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from jobs import simulate_telemetry
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.tables import TRUTH_TABLES
from tests.conftest import TEST_KEY


def test_running_twice_is_running_once(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELFLOW_KEY", TEST_KEY)
    settings = {"lake.root": tmp_path / "lake", "simulate.customers": 60, "simulate.days": 8}
    overrides = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    arguments = [*overrides, "--output", str(tmp_path / "raw")]
    lake = Lake(spark, str(tmp_path / "lake"))

    assert simulate_telemetry.main(arguments) == 0
    assert "Synthetic telemetry written" in capsys.readouterr().out
    versions = [lake.version(table) for table in TRUTH_TABLES]
    assert simulate_telemetry.main(arguments) == 0
    assert "Synthetic telemetry already there" in capsys.readouterr().out
    assert [lake.version(table) for table in TRUTH_TABLES] == versions

    truth = {table.name: pl.DataFrame(lake.read(table).toArrow()) for table in TRUTH_TABLES}
    first = Tokenizer(bytes.fromhex(TEST_KEY)).token("sub", "S0000001")
    assert truth["truth_customers"].height == 60
    assert truth["truth_customers"].filter(pl.col("customer") == first).height == 1
    assert truth["truth_customer_weeks"].height == 120
    assert truth["truth_leases"]["address"].str.contains("^ip_[0-9a-f]{32}$").all()
    for rows in truth.values():
        names_somebody = rows.select(pl.col(pl.String).str.contains(r"S\d{7}").any())
        assert not any(names_somebody.row(0))
    assert (tmp_path / "raw" / "provider" / "subscribers.csv").is_file()


def test_every_truth_table_says_that_it_is_synthetic() -> None:
    assert all(table.answers.startswith("Synthetic") for table in TRUTH_TABLES)
