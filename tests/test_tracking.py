"""Tracking: relative files, sources with their versions, and an alias that moves only on a win."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode
from mlflow.tracking import MlflowClient
from pyspark.sql import SparkSession

from telflow.churn import train as churn
from telflow.errors import ModelInputError, ModelMissingError, TrackingError
from telflow.lake import Lake
from telflow.segments import inputs as segments
from telflow.segments.model import write_model
from telflow.settings import MlflowSettings, load_settings
from telflow.tables import PLANS
from telflow.tracking import (
    Contest,
    artifact_location,
    as_logged,
    as_parameters,
    champion_version,
    check_columns,
    load_version,
    log_plain_model,
    log_source,
    log_values,
    model_name,
    open_experiment,
    open_tracking,
    raw_model,
    relative_path,
    run_data,
    settle,
)
from tests.churn.forests import small_model
from tests.churn.test_served import ROWS
from tests.segments.test_model import FRAME, MODEL

# a name of its own: MLflow keeps a database open under the words it was named with, whatever folder they meant
SETTINGS = MlflowSettings(
    tracking_uri="sqlite:///tracked.db", registry_uri=None, experiment_prefix="tests", model_prefix="tests-"
)
EXAMPLE = pd.DataFrame({"x": [1.0, 2.0]})
CHURN = load_settings().churn
OTHER_CHURN = load_settings(overrides=["churn.trees=7", "churn.events_until='2024-03-01'"]).churn


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
    return log_plain_model(files, [__name__], EXAMPLE, EXAMPLE * factor, model_name(SETTINGS, "doubler"))


def test_an_experiment_is_named_by_prefix_and_target_and_made_once(folder: Path) -> None:
    first = open_experiment(SETTINGS, "naming")
    assert open_experiment(SETTINGS, "naming") == first
    assert mlflow.get_experiment(first).name == "tests-naming"
    assert (folder / "tracked.db").is_file()


def test_models_are_registered_where_the_settings_say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "")  # MLflow writes it, and keeps another note
    monkeypatch.setattr("mlflow.tracking._model_registry.utils._registry_uri", None)
    open_tracking(SETTINGS)
    assert mlflow.get_registry_uri() == SETTINGS.tracking_uri  # MLflow's own choice
    apart = SETTINGS.model_copy(update={"registry_uri": "sqlite:///registered.db"})
    open_tracking(apart)
    MlflowClient().create_registered_model("tests-apart")
    assert (folder / "registered.db").is_file()
    for uri, is_there in ((apart.registry_uri, True), (SETTINGS.tracking_uri, False)):
        found = MlflowClient(registry_uri=uri).search_registered_models()
        assert ("tests-apart" in [model.name for model in found]) is is_there


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


def test_an_obstacle_keeps_the_alias_where_it_is_until_somebody_promotes(folder: Path) -> None:
    name = model_name(SETTINGS, "promoted")
    open_experiment(SETTINGS, "promoted")
    files = folder / "files-promoted"
    files.mkdir()
    (files / "factor.json").write_text("2.0")
    contest = Contest("auc", 0.9, None, 0.01, "version 1 cannot be asked")
    with mlflow.start_run():
        version = log_plain_model(files, [__name__], EXAMPLE, EXAMPLE * 2, name)
        assert not settle(name, version, contest)
        assert champion_version(name) is None
        assert settle(name, version, contest, promote=True)
    assert champion_version(name) == version
    tags = MlflowClient().get_model_version(name, version).tags
    assert tags["contest_reason"] == "auc 0.9000: version 1 cannot be asked; promoted by hand"


def test_files_that_cannot_be_read_are_named_with_their_place(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = model_name(SETTINGS, "placed")
    open_experiment(SETTINGS, "placed")
    files = folder / "files-placed"
    files.mkdir()
    (files / "factor.json").write_text("2.0")
    with mlflow.start_run():
        version = log_plain_model(files, [__name__], EXAMPLE, EXAMPLE * 2, name)
    assert load_version(name, version)[1] == version
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        told = r"version 1 cannot be loaded from telflow:mlruns/placed.*: run it from the folder that holds mlruns"
        with pytest.raises(ModelMissingError, match=told):
            load_version(name, version)
    for damaged in (folder / "mlruns" / "placed").rglob("factor.json"):
        damaged.write_text("cut")
    with pytest.raises(ModelMissingError, match=r"version 1 cannot be loaded from .*JSONDecodeError"):
        load_version(name, version)


def test_settings_are_read_back_as_a_run_logged_them() -> None:
    parameters = as_parameters(OTHER_CHURN, ["own_table", "scratch"])
    assert parameters["baselines"] == '["logistic_regression", "gradient_boosting"]'
    assert as_logged(CHURN, {**parameters, "of another": "x"}) == OTHER_CHURN
    for wrong in ("seven", "0"):
        with pytest.raises(TrackingError, match="are none of these settings: "):
            as_logged(CHURN, {"trees": wrong})


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "PERMISSION_DENIED", "TEMPORARILY_UNAVAILABLE"])
def test_a_server_that_does_not_answer_is_no_absence(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def fails(*_given: object) -> None:
        raise MlflowException("no answer", error_code=error_code_of(code))

    monkeypatch.setattr(MlflowClient, "get_model_version_by_alias", fails)
    with pytest.raises(TrackingError, match="does not tell which version of m is the champion: no answer"):
        champion_version("m")
    monkeypatch.setattr(MlflowClient, "get_model_version", fails)
    with pytest.raises(TrackingError, match="does not tell of version 1 of m: no answer"):
        load_version("m", "1")
    monkeypatch.setattr(MlflowClient, "get_run", fails)
    with pytest.raises(TrackingError, match="does not tell of run 0abc: no answer"):
        run_data("0abc")


def error_code_of(name: str) -> int:
    return int(ErrorCode.Value(name))


def test_columns_that_are_no_more_are_named_with_the_model() -> None:
    check_columns("m version 3", ["a"], ["a", "b"])
    with pytest.raises(ModelInputError, match="m version 3 looks at c, d, which is told of nobody any more"):
        check_columns("m version 3", ["a", "c", "d"], ["a", "b"])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", ["churn", "segments"])
def test_a_registered_model_brings_its_code_along(tmp_path: Path, kind: str) -> None:
    """It is loaded and asked where this package is not installed."""
    files = tmp_path / "files"
    files.mkdir()
    if kind == "churn":
        small_model().save(files)
        modules: tuple[str, ...] = churn.MODULES
        rows, answer = ROWS, small_model().predict(ROWS)
    else:
        write_model(MODEL, files)
        modules = segments.MODULES
        rows, answer = FRAME, MODEL.predict(FRAME)
    name = model_name(SETTINGS, kind)
    open_experiment(SETTINGS, kind)
    with mlflow.start_run():
        version = log_plain_model(files, modules, rows, answer, name)
    served = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=str(tmp_path / "served"))
    rows.to_pickle(tmp_path / "rows.pkl")
    script = (
        "import sys; sys.meta_path = [each for each in sys.meta_path if 'Editable' not in str(each)];"
        "import importlib.util, pandas as pd, mlflow; assert importlib.util.find_spec('telflow') is None;"
        f"rows = pd.read_pickle({str(tmp_path / 'rows.pkl')!r});"
        f"print(mlflow.pyfunc.load_model({served!r}).predict(rows).to_json())"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == json.loads(answer.to_json())


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
