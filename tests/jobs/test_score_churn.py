"""Scoring without what it needs says so."""

from pathlib import Path

import mlflow
import pytest
from pyspark.sql import SparkSession

from jobs import score_churn
from telflow.cli import run_job
from telflow.errors import ModelMissingError
from telflow.lake import Lake


def test_without_a_champion_it_says_what_to_run_first(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = mlflow.get_tracking_uri()
    lake = Lake(spark, str(tmp_path / "lake"))
    conf = str(Path("conf").absolute())
    monkeypatch.chdir(tmp_path)
    untrained = ["--set", "mlflow.tracking_uri=sqlite:///untrained.db"]
    with pytest.raises(ModelMissingError, match="telflow-churn has no champion yet: run the job that trains it first"):
        score_churn.main(["--conf", conf, "--set", f"lake.root={lake.root}", *untrained])
    mlflow.set_tracking_uri(uri)


def test_the_error_is_one_line_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(_arguments: object) -> int:
        raise ModelMissingError("model m has no champion yet")

    assert run_job(fails) == 2
    assert capsys.readouterr().err == "error: model m has no champion yet\n"
