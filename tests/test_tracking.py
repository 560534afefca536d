"""Tracking: relative files, sources with their versions, and an alias that moves only on a win."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.tracking import MlflowClient
from pyspark.sql import SparkSession

from telflow.errors import ModelMissingError
from telflow.lake import Lake
from telflow.settings import MlflowSettings
from telflow.tables import PLANS
from telflow.tracking import (
    Contest,
    artifact_location,
    champion_version,
    load_version,
    log_plain_model,
    log_source,
    log_values,
    model_name,
    open_experiment,
    open_tracking,
    raw_model,
    relative_path,
    settle,
)

# a name of its own: MLflow keeps a database open under the words it was named with, whatever folder they meant
SETTINGS = MlflowSettings(tracking_uri="sqlite:///tracked.db", experiment_prefix="tests", model_prefix="tests-")
EXAMPLE = pd.DataFrame({"x": [1.0, 2.0]})


class Doubler:
    """The plainest model: its factor stands in a file."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, rows: pd.DataFrame, _params: dict[str, Any] | None = None) -> pd.DataFrame:
        return rows * self.factor

    def get_raw_model(self) -> "Doubler":
        return self


def _load_pyfunc(path: str) -> Doubler:
    return Doubler(json.loads((Path(path) / "factor.json").read_text()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an experiment of two runs and two versions of a model, the current folder meanwhile."""
    here = tmp_path_factory.mktemp("tracked")
    uri = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield here
    mlflow.set_tracking_uri(uri)


def log_version(here: Path, factor: float) -> str:
    files = here / f"files-{factor}"
    files.mkdir(exist_ok=True)
    (files / "factor.json").write_text(json.dumps(factor))
    version = log_plain_model(files, __name__, EXAMPLE, EXAMPLE * factor, model_name(SETTINGS, "doubler"))
    assert version is not None
    return version


def test_an_experiment_is_named_by_prefix_and_target_and_made_once(folder: Path) -> None:
    first = open_experiment(SETTINGS, "naming")
    assert open_experiment(SETTINGS, "naming") == first
    assert mlflow.get_experiment(first).name == "tests-naming"
    assert (folder / "tracked.db").is_file()


def test_files_of_a_server_lie_where_the_server_has_them() -> None:
    assert artifact_location("databricks", "churn") is None
    assert artifact_location("sqlite:///mlflow.db", "churn") == "telflow:mlruns/churn"


def test_the_alias_moves_only_on_a_win_and_the_folder_can_be_moved(folder: Path, tmp_path: Path) -> None:
    name = model_name(SETTINGS, "doubler")
    open_experiment(SETTINGS, "doubler")
    with pytest.raises(ModelMissingError, match="no champion yet"):
        load_version(name)
    with mlflow.start_run():
        mlflow.log_text("seen", "note.txt")
        first = log_version(folder, 2.0)
        assert settle(name, first, Contest("auc", 0.8, None, 0.01))
    with mlflow.start_run() as run:
        second = log_version(folder, 3.0)
        assert not settle(name, second, Contest("auc", 0.805, 0.8, 0.01))
        assert champion_version(name) == first
    tags = MlflowClient().get_model_version(name, second).tags
    assert tags["contest_reason"] == "auc 0.8050: not better than the champion's 0.8000 by the margin of 0.01"
    assert mlflow.get_run(run.info.run_id).data.tags["contest_result"] == "not champion"
    with pytest.raises(ModelMissingError, match="no version 9"):
        load_version(name, "9")

    told = [
        path for path in (folder / "mlruns").rglob("*") if path.is_file() and str(folder) in path.read_text("latin-1")
    ]
    assert told == [], "no absolute path in artifacts"
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(moved)
        shutil.move(folder / "mlruns", folder / "gone")
        open_tracking(SETTINGS.model_copy(update={"tracking_uri": f"sqlite:///{moved}/tracked.db"}))
        model, version = load_version(name)
        assert version == first
        assert raw_model(model).factor == 2.0
        pd.testing.assert_frame_equal(pd.DataFrame(model.predict(EXAMPLE)), EXAMPLE * 2.0)
    shutil.move(folder / "gone", folder / "mlruns")


def test_a_source_is_logged_with_its_version(spark: SparkSession, folder: Path) -> None:
    lake = Lake(spark, str(folder / "lake"))
    for _ in range(2):
        lake.append(PLANS, spark.createDataFrame([("basic", 1.0, None, 1.0, 1.0)], PLANS.schema))
    open_experiment(SETTINGS, "sources")
    with mlflow.start_run() as run:
        assert log_source(lake, PLANS) == {"plans": lake.version(PLANS)}
        log_values({"told": 0.5, "untold": None})
    logged = mlflow.get_run(run.info.run_id)
    assert logged.inputs is not None
    (dataset,) = [given.dataset for given in logged.inputs.dataset_inputs]
    source = json.loads(dataset.source)
    assert (dataset.name, source["path"], source["delta_table_version"]) == ("plans", "lake/plans", lake.version(PLANS))
    assert logged.data.tags["source_plans_version"] == str(lake.version(PLANS))
    assert logged.data.metrics == {"told": 0.5}


def test_a_place_elsewhere_stays_as_it_is(folder: Path) -> None:
    assert relative_path("/elsewhere/lake/plans") == "/elsewhere/lake/plans"
    assert relative_path(str(folder / "lake")) == "lake"


@pytest.mark.parametrize(("challenger", "is_won"), [(0.75, True), (0.7499, False), (0.2, False)])
def test_a_margin_just_reached_is_enough(challenger: float, *, is_won: bool) -> None:
    assert Contest("auc", challenger, 0.5, 0.25).is_won is is_won


@given(st.floats(0, 1), st.floats(0.001, 1))
def test_a_champion_never_loses_to_its_own_equal(score: float, margin: float) -> None:
    assert not Contest("auc", score, score, margin).is_won or score + margin == score
    assert Contest("auc", score, None, margin).is_won
