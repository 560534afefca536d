"""Training, assigning and comparing end to end on a small synthetic lake, and the notebook; each job twice."""

import io
import json
import os
import re
import runpy
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Dataset, Run
from mlflow.tracking import MlflowClient
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs import assign_segments, compare_segments, train_segments
from telflow.errors import ModelMissingError, NoSegmentsError, SettingsError
from telflow.lake import Lake
from telflow.segments.model import SegmentModel
from telflow.segments.train import CENTRES_ARTIFACT, MODEL_ARTIFACT, refit, training_rows
from telflow.settings import Settings, load_settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS
from telflow.tracking import champion_version, load_version, raw_model
from tests.segments.planted import EACH, KINDS, write_planted

NAME = "telflow-segments"
WINDOW_DAYS = 14
AS_OF, EARLIER = date(2024, 1, 29), date(2024, 1, 15)
METRICS = {
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    "bootstrap_ari",
    "smallest_share",
    "largest_share",
    "planted_ari",
    "seconds",
}
SWEEP = {
    "segments.window_days": str(WINDOW_DAYS),
    "segments.ks": "[2, 3]",
    "segments.algorithms": "[kmeans]",
    "segments.transforms": "[raw, log_standard]",
    "segments.bootstrap_rounds": "4",
    "segments.starts": "2",
    "segments.features": "[bytes_per_day, share_streaming_media, share_vpn_tunnelling, share_iot_industrial,"
    " night_share, afternoon_share, evening_share, weekend_share]",
}
PARENT = "mlflow.parentRunId"
WINNER = ("log_standard", 3)
ONLY_WINNER = ["--set", "segments.ks=[3]", "--set", "segments.transforms=[log_standard]"]
NOTEBOOK = Path("notebooks/compare_segments.py").absolute()


@dataclass(frozen=True)
class Trained:
    """A folder in which the sweep ran twice, and what it printed each time."""

    folder: Path
    lake: Lake
    arguments: list[str]
    told: list[str]

    @property
    def settings(self) -> Settings:
        return load_settings(overrides=self.arguments[1::2])

    def parent(self, sweep: int) -> Run:
        """Parent run of the first or the second sweep."""
        parents = [run for run in all_runs() if PARENT not in run.data.tags]
        return sorted(parents, key=lambda run: run.info.start_time)[sweep]

    def runs(self, sweep: int) -> dict[tuple[str, int], Run]:
        """Nested runs of the first or the second sweep, by transform and k."""
        parent = self.parent(sweep).info.run_id
        own = [run for run in all_runs() if run.data.tags.get(PARENT) == parent]
        return {(run.data.params["transform"], int(run.data.params["k"])): run for run in own}


def all_runs() -> list[Run]:
    client = MlflowClient()
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()]))


@pytest.fixture(scope="module")
def trained(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder, before = tmp_path_factory.mktemp("segments"), Path.cwd()
    lake = Lake(spark, str(folder / "lake"))
    write_planted(lake)
    shutil.copytree(before / "conf", folder / "conf")
    overrides = [f"lake.root={lake.root}", *(f"{key}={value}" for key, value in SWEEP.items())]
    arguments = [part for override in overrides for part in ("--set", override)]
    os.chdir(folder)
    try:
        told = []
        for narrower in ([], ONLY_WINNER):
            with redirect_stdout(io.StringIO()) as printed:
                assert train_segments.main([*arguments, *narrower]) == 0
            told.append(printed.getvalue())
        yield Trained(folder, lake, arguments, told)
    finally:
        os.chdir(before)


def sources(run: Run) -> list[Dataset]:
    """Inputs that ``run`` logged."""
    return [] if run.inputs is None else [each.dataset for each in run.inputs.dataset_inputs]


def rows_of(lake: Lake, day: date) -> list[Row]:
    return lake.read(CUSTOMER_SEGMENTS).where(F.col("as_of") == F.lit(day)).orderBy("customer").collect()


def test_the_planted_kinds_are_found_and_the_trap_of_raw_bytes_is_refused(trained: Trained) -> None:
    runs = trained.runs(0)
    assert len(runs) == 4
    assert runs[WINNER].data.metrics["planted_ari"] == 1.0
    assert runs[WINNER].data.metrics["bootstrap_ari"] >= 0.9
    trap = runs["raw", 2].data
    assert trap.metrics["silhouette"] > 0.96
    assert trap.metrics["largest_share"] > 0.98
    assert trap.tags["passes"] == "false"
    assert "the floor is 3.00%" in trap.tags["standing"]
    assert "  1 kmeans k=3 log_standard: stable" in trained.told[0]
    assert "60 synthetic customers" in trained.told[0]


def test_each_run_holds_parameters_metrics_tables_and_pictures(trained: Trained) -> None:
    client = MlflowClient()
    for run in trained.runs(0).values():
        assert set(run.data.metrics) >= METRICS
        assert run.data.params["silhouette_distance"] == "squaredEuclidean"
        assert {"algorithm", "k", "transform", "seed", "features", "as_of", "source_version"} <= set(run.data.params)
        files = {each.path for each in client.list_artifacts(run.info.run_id)}
        assert files >= {MODEL_ARTIFACT, CENTRES_ARTIFACT, "profiles.png", "sizes.png", "projection.png"}
        assert sources(run) == []


def test_the_source_stands_once_on_the_parent_with_its_version(trained: Trained) -> None:
    told = sources(trained.parent(0))
    assert [each.name for each in told] == ["customer_daily"]
    assert json.loads(told[0].source)["delta_table_version"] == trained.lake.version(CUSTOMER_DAILY)


def test_the_centres_table_tells_of_the_segments(trained: Trained) -> None:
    run_id = trained.runs(0)[WINNER].info.run_id
    table = mlflow.load_table(CENTRES_ARTIFACT, run_ids=[run_id])
    assert table["customers"].to_list() == [EACH] * 3
    assert set(table["segment"]) == {
        "heavy streaming media in the evening",
        "vpn tunnelling in the afternoon",
        "light iot industrial at night",
    }


def test_no_file_holds_an_absolute_path(trained: Trained) -> None:
    own = str(trained.folder).encode()
    files = [path for path in (trained.folder / "mlruns").rglob("*") if path.is_file()]
    holding = [path for path in files if path.suffix != ".png" and own in path.read_bytes()]
    assert len(files) > 20
    assert holding == []


def test_a_second_sweep_registers_a_version_and_leaves_the_alias_where_it_is(trained: Trained) -> None:
    versions = {each.version: each for each in MlflowClient().search_model_versions(f"name='{NAME}'")}
    assert champion_version(NAME) == "1"
    assert {str(number): version.tags["contest_result"] for number, version in versions.items()} == {
        "1": "champion",
        "2": "not champion",
    }
    assert "no champion to compare with" in trained.told[0]
    assert re.search(r"not better than the champion's 0\.\d+ by the margin of 0\.02", trained.told[1])


def test_a_run_is_fitted_again_from_its_logged_parameters(trained: Trained) -> None:
    """Other settings by then, and another version of the table, change nothing."""
    run = trained.runs(0)[WINNER]
    logged = SegmentModel.from_json(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/{MODEL_ARTIFACT}"))
    other = load_settings(overrides=[*trained.arguments[1::2], "segments.seed=99", "segments.window_days=7"])
    again = refit(trained.lake, other, run.data.params)
    assert np.array(again.points) == pytest.approx(np.array(logged.centres.points), abs=1e-9)
    assert trained.runs(1)[WINNER].data.metrics["silhouette"] == pytest.approx(run.data.metrics["silhouette"])


def test_the_registered_model_answers_without_spark_as_the_table_has_it(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assign_segments.main([*trained.arguments, "--as-of", str(AS_OF)]) == 0
    told = capsys.readouterr().out
    assert f"{AS_OF}: 60 customers by {NAME} version 1" in told
    assert "vpn tunnelling in the afternoon: 20 (33.3%)" in told
    written = rows_of(trained.lake, AS_OF)
    features, _ = training_rows(trained.lake, trained.settings, AS_OF)
    frame = features.toPandas().set_index("customer").sort_index()
    served, _ = load_version(NAME)
    answer = pd.DataFrame(served.predict(frame[list(cast(SegmentModel, raw_model(served)).preparation.features)]))
    assert [row.segment for row in written] == list(answer["segment"])
    assert [row.distance for row in written] == pytest.approx(list(answer["distance"]), abs=1e-9)
    assert {(row.model, row.model_version, row.window_days) for row in written} == {(NAME, "1", WINDOW_DAYS)}
    assert served.metadata.signature is not None
    assert served.metadata.saved_input_example_info is not None


def test_assigning_twice_is_assigning_once_and_moves_are_told(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = trained.lake
    for day in (EARLIER, AS_OF, AS_OF):
        assert assign_segments.main([*trained.arguments, "--as-of", str(day)]) == 0
    assert f"since {EARLIER}: 0 moved to another segment, 60 stayed" in capsys.readouterr().out
    assert len(rows_of(lake, AS_OF)) == 60
    moves = lake.read(SEGMENT_MIGRATIONS).where(F.col("to_as_of") == F.lit(AS_OF)).collect()
    assert sorted((row.from_segment == row.to_segment, row.customers, row.share_of_from) for row in moves) == [
        (True, EACH, 1.0)
    ] * len(KINDS)


def test_comparing_shows_sizes_centres_moves_and_stability(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_segments.main([*trained.arguments, "--as-of", str(AS_OF), "--months", "1"]) == 0
    told = capsys.readouterr().out
    assert f"version 1 beside version 2 as of {AS_OF}, 60 synthetic customers, ARI 1.000" in told
    assert re.search(rf"version 1 +{EARLIER} +{AS_OF} +60 +1\.000 +1\.000", told)
    two = trained.runs(0)["log_standard", 2].info.run_id
    assert compare_segments.main([*trained.arguments, "--as-of", str(AS_OF), "--right", two, "--months", "0"]) == 0
    told = capsys.readouterr().out
    assert 0.4 < float(re.findall(r"ARI (\d\.\d+)", told)[0]) < 0.7
    assert "too few days for two windows" in told


def test_the_notebook_runs(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_SET", "\n".join(trained.arguments[1::2]))
    shown = runpy.run_path(str(NOTEBOOK))
    assert shown["found"].customers == 60
    assert len(shown["figures"]) == 2


def test_what_is_not_there_is_named(trained: Trained) -> None:
    with pytest.raises(ModelMissingError, match="no version 77"):
        assign_segments.main([*trained.arguments, "--model-version", "77"])
    with pytest.raises(ModelMissingError, match="run 0abc holds no"):
        compare_segments.main([*trained.arguments, "--right", "0abc"])
    with pytest.raises(NoSegmentsError, match="not 2023-01-01: assign it first"):
        assign_segments.main([*trained.arguments, "--since", "2023-01-01"])
    with pytest.raises(NoSegmentsError, match="only 0 customers have 4 active days"):
        train_segments.main([*trained.arguments, "--as-of", "2030-01-01"])
    with pytest.raises(SettingsError, match="share_wbe is no feature"):
        train_segments.main([*trained.arguments, "--set", "segments.features=[share_wbe, share_web]"])
