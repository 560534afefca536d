"""The advice keeps what it is asked for on a synthetic population: smaller than those that README tells of."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import ingest_flows, load_provider, roll_up_customers, simulate_telemetry
from telflow.advice.backtest import backtest
from telflow.advice.judging import BASELINES, BacktestReport
from telflow.lake import Lake
from telflow.settings import load_settings

SIMULATED = (  # few flows: volumes are planted, whatever their number
    "simulate.seed=21",
    "simulate.customers=300",
    "simulate.days=90",
    "simulate.flows_per_customer_day=8.0",
    "simulate.noise_share=0.0",
)
JOBS = (simulate_telemetry, load_provider, ingest_flows, roll_up_customers)


@pytest.fixture(scope="module")
def report(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> BacktestReport:
    home = tmp_path_factory.mktemp("planted")
    given = [
        f"lake.root={home / 'lake'}",
        f"ingest.input={home / 'raw'}",
        f"privacy.key_file={home / 'key'}",
        f"mlflow.tracking_uri=sqlite:///{home / 'mlflow.db'}",
        *SIMULATED,
    ]
    for job in JOBS:
        assert job.main([part for override in given for part in ("--set", override)]) == 0
    settings = load_settings(overrides=given, conf=Path("conf").absolute())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        return backtest(Lake(spark, settings.lake.root), settings)


@pytest.mark.slow
def test_advice_to_go_up_is_right_and_finds_the_need(report: BacktestReport) -> None:
    assert report.needing >= 50, "of fewer, a few customers make the bars"
    assert (report.upsize.precision or 0) >= 0.85
    assert (report.upsize.recall or 0) >= 0.75


@pytest.mark.slow
def test_customers_for_whom_nothing_is_planted_are_left_alone(report: BacktestReport) -> None:
    assert report.flat_customers >= 50
    assert report.flat_advised is not None
    assert report.flat_advised <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("baseline", BASELINES)
def test_advice_beats_as_many_of_each_baseline(report: BacktestReport, baseline: str) -> None:
    assert report.same_size[baseline].chosen == report.upsize.chosen
    assert (report.upsize.precision or 0) > (report.same_size[baseline].precision or 0)
    assert (report.upsize.recall or 0) > (report.same_size[baseline].recall or 0)
