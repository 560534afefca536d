"""Training, assigning and comparing end to end on a small synthetic lake, and the notebook."""

import io
import json
import os
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Dataset, Run
from mlflow.tracking import MlflowClient
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs import assign_segments, compare_segments, train_churn, train_segments
from telflow.errors import AsOfError, ModelMissingError, NoSegmentsError, SettingsError
from telflow.lake import Lake
from telflow.segments.compare import Named, centres, other_than, runner_up, side_by_side
from telflow.segments.contest import contest_of
from telflow.segments.fit import Candidate, fit_preparation, with_prepared
from telflow.segments.inputs import MODEL_ARTIFACT, load_segments
from telflow.segments.model import SegmentModel
from telflow.segments.profile import Profiles
from telflow.segments.ranking import Standing
from telflow.segments.sweep import Tried, scales_for
from telflow.segments.train import as_run, training_rows
from telflow.settings import Settings, load_settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS
from telflow.tracking import CENTRES_ARTIFACT, champion_version, load_version, raw_model
from tests.segments.planted import EACH, KINDS, write_planted

pytestmark = pytest.mark.slow

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
    "segments.bootstrap_rounds": "2",
    "segments.starts": "1",
    "segments.features": "[bytes_per_day, share_streaming_media, share_vpn_tunnelling, share_iot_industrial,"
    " night_share, afternoon_share, evening_share, weekend_share]",
}
PARENT = "mlflow.parentRunId"
WINNER = ("log_standard", 3)
WORSE = ["--set", "segments.ks=[2]", "--set", "segments.transforms=[log_standard]"]
NOTEBOOK = Path("notebooks/compare_segments.py").absolute()


@dataclass(frozen=True)
class Trained:
    """A folder in which two sweeps ran, what each printed, and what version 1 and its run would be compared with."""

    folder: Path
    lake: Lake
    arguments: list[str]
    told: list[str]
    beside: list[str]

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
        told, beside = [], []
        for narrower in ([], WORSE):
            with redirect_stdout(io.StringIO()) as printed:
                assert train_segments.main([*arguments, *narrower]) == 0
            told.append(printed.getvalue())
            own = MlflowClient().get_model_version(NAME, "1").run_id
            beside += [other_than(NAME, "version 1"), other_than(NAME, f"run {own}")]
        yield Trained(folder, lake, arguments, told, beside)
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
    told = {str(number): version.tags["contest_result"] for number, version in versions.items()}
    assert (told["1"], told["2"]) == ("champion", "not champion")
    assert "no champion to compare with" in trained.told[0]
    assert re.search(r"not better than the champion's 0\.\d+ by the margin of 0\.02", trained.told[1])


def test_a_champion_alone_is_compared_with_the_second_of_its_sweep(trained: Trained) -> None:
    ranked = json.loads(mlflow.artifacts.load_text(f"runs:/{trained.parent(0).info.run_id}/ranking.json"))
    second = ranked["data"][1][ranked["columns"].index("run_id")]
    assert trained.beside == [second, second, "2", "2"], "never with itself, by whatever name"
    own = MlflowClient().get_model_version(NAME, "1").run_id
    assert own is not None
    before = mlflow.get_experiment_by_name("telflow-segments")
    assert before is not None
    mlflow.set_experiment("Default")
    try:
        assert runner_up(MlflowClient(), own) == second, "whatever experiment is active"
    finally:
        mlflow.set_experiment(experiment_id=before.experiment_id)


def test_a_run_is_run_again_from_its_logged_parameters(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    """Other settings by then, and another version of the table, change nothing."""
    run, lake = trained.runs(0)[WINNER], trained.lake
    other = ["--set", "segments.seed=99", "--set", "segments.window_days=7", "--set", "segments.algorithms=[kmeans]"]
    before = lake.version(CUSTOMER_DAILY)
    new = lake.read(CUSTOMER_DAILY).where("customer LIKE 'sub_thing%' AND local_date > DATE'2024-01-24'")
    lake.append(CUSTOMER_DAILY, new.withColumn("customer", F.concat(F.lit("late_"), "customer")))
    try:
        assert train_segments.main([*trained.arguments, *other, "--again", run.info.run_id]) == 0
        rows, _ = training_rows(lake, trained.settings, AS_OF, before)
        assert (rows.count(), training_rows(lake, trained.settings, AS_OF)[0].count()) == (60, 80)
    finally:
        lake.delete(CUSTOMER_DAILY, "customer LIKE 'late_%'")
    told = capsys.readouterr().out
    assert f"60 synthetic customers as of {AS_OF}, customer_daily version {before}, 1 runs below parent" in told
    assert "is not the champion: silhouette" in told
    assert f"run {run.info.run_id} again: champion by --promote alone" in told
    assert trained.parent(2).data.tags["again"] == run.info.run_id
    first, again = model_of(run), model_of(trained.runs(2)[WINNER])
    assert np.array(again.centres.points) == pytest.approx(np.array(first.centres.points), abs=1e-9)
    assert again.names == first.names
    assert trained.runs(2)[WINNER].data.params == run.data.params
    assert run.data.params["source_version"] == str(before)


def model_of(run: Run) -> SegmentModel:
    """The model that ``run`` logged."""
    return SegmentModel.from_json(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/{MODEL_ARTIFACT}"))


def test_a_sweep_can_be_told_again_from_what_its_parent_logged(trained: Trained) -> None:
    others = ["segments.ks=[9]", "segments.seed=7", "segments.transforms=[standard]", "segments.starts=5"]
    other = load_settings(overrides=[*trained.arguments[1::2], *others])
    parent = trained.parent(0)
    assert other.segments != trained.settings.segments
    again, as_of, version = as_run(other, parent.info.run_id)
    assert again.segments == trained.settings.segments
    assert (as_of, str(version)) == (AS_OF, parent.data.params["source_version"])
    assert (parent.data.metrics["customers"], parent.data.metrics["customers_with_too_few_days"]) == (60, 0)
    with pytest.raises(ModelMissingError, match="MLflow holds no run 0abc"):
        as_run(other, "0abc")
    with pytest.raises(ModelMissingError, match=f"run {parent.info.run_id} is none of train_churn.py on the lake"):
        train_churn.main([*trained.arguments, "--again", parent.info.run_id])


def test_what_an_algorithm_does_not_look_at_is_not_logged() -> None:
    kmeans, bisecting, mixture = (
        Candidate(algorithm, 3, "log_standard", seed=1, starts=3, iterations=100).used
        for algorithm in ("kmeans", "bisecting_kmeans", "gaussian_mixture")
    )
    assert (kmeans["starts"], kmeans["iterations"]) == (3, 100)
    assert (bisecting.get("starts"), bisecting["iterations"]) == (None, 20)
    assert (mixture.get("starts"), mixture["iterations"]) == (None, 100)


def test_the_example_is_nobodys_row(trained: Trained) -> None:
    served, _ = load_version(NAME)
    example = served.input_example
    assert example is not None
    features, _ = training_rows(trained.lake, trained.settings, AS_OF)
    told = {tuple(row) for row in features.select(*example.columns).collect()}
    assert len(example) == 3
    assert not {tuple(row) for row in example.itertuples(index=False)} & told


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"feature_window_days": 7}, ""),
        ({"feature": "share_gone"}, "version 1: telflow-segments version 1 looks at share_gone"),
        ({"one": True}, "one puts them all in one segment"),
    ],
)
def test_a_champion_is_asked_as_it_would_be_used_or_not_at_all(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], told: str
) -> None:
    settings, daily = trained.settings, trained.lake.read(CUSTOMER_DAILY)
    model, _ = load_segments(NAME)
    champion = other_model(model, facts)
    monkeypatch.setattr("telflow.segments.contest.load_segments", lambda *_given: (champion, "1"))
    rows, as_of = training_rows(trained.lake, settings, AS_OF)
    even = fit_preparation(rows, "log_standard", scales_for(settings), 0.8)
    place = Standing(passes=True, is_stable=True, bootstrap_ari=1.0, silhouette=0.5, segments=3, reason="stable")
    winner = tried_like(model, place)
    contest = contest_of(with_prepared(rows, even), daily, as_of, [winner], settings)
    assert told in contest.obstacle
    assert (contest.champion is None) is bool(told)
    assert not contest.is_won
    shaky = replace(place, is_stable=False, reason="not stable: bootstrap ARI 0.5")
    refused = contest_of(with_prepared(rows, even), daily, as_of, [tried_like(model, shaky)], settings)
    assert refused.reason.endswith("not stable: bootstrap ARI 0.5: no champion without --promote")
    assert not refused.is_won


def other_model(model: SegmentModel, facts: dict[str, Any]) -> SegmentModel:
    """``model`` with another window, a feature nobody knows, or a single centre."""
    if "feature" in facts:
        features = (facts["feature"], *model.preparation.features[1:])
        return replace(model, preparation=replace(model.preparation, features=features))
    if "one" in facts:
        return replace(model, centres=replace(model.centres, points=model.centres.points[:1]))
    return replace(model, **facts)


def tried_like(model: SegmentModel, place: Standing) -> Tried:
    """The winner of a sweep that came to ``model``."""
    candidate = Candidate("kmeans", 3, "log_standard", seed=1, starts=1, iterations=10)
    nobody = Profiles((), (), (), np.empty(0), np.empty(0))
    return Tried(candidate, "run", model, nobody, {"common_silhouette": 0.5}, place)


def test_the_registered_model_answers_without_spark_as_the_table_has_it(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assign_segments.main([*trained.arguments, "--as-of", str(AS_OF)]) == 0
    told = capsys.readouterr().out
    assert f"{AS_OF}: 60 customers by {NAME} version 1" in told
    assert "days before" not in told, "the window is full"
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


def test_who_was_seen_on_too_few_days_is_counted(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    lake = trained.lake
    few = lake.read(CUSTOMER_DAILY).where("customer LIKE 'sub_thing%' AND local_date > DATE'2024-01-25'")
    lake.append(CUSTOMER_DAILY, few.withColumn("customer", F.concat(F.lit("few_"), "customer")))
    try:
        assert assign_segments.main([*trained.arguments, "--as-of", str(AS_OF)]) == 0
    finally:
        lake.delete(CUSTOMER_DAILY, "customer LIKE 'few_%'")
    told = capsys.readouterr().out
    assert f"{AS_OF}: 60 customers by {NAME} version 1" in told
    assert f"in none, seen on fewer than 4 active days: {EACH}" in told


def test_comparing_shows_sizes_centres_moves_and_stability(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_segments.main([*trained.arguments, "--right", "2", "--as-of", str(AS_OF), "--months", "1"]) == 0
    told = capsys.readouterr().out
    (agreement,) = re.findall(rf"version 1 beside version 2 as of {AS_OF}, 60 synthetic customers, ARI (\d\.\d+)", told)
    assert 0.4 < float(agreement) < 0.7, "three segments and two"
    assert re.search(rf"version 1 +{EARLIER} +{AS_OF} +60 +1\.000 +1\.000", told)


def test_centres_are_told_in_the_window_of_their_own_model(trained: Trained) -> None:
    model, _ = load_segments(NAME)
    settings, daily = trained.settings, trained.lake.read(CUSTOMER_DAILY)
    weekly = Named("weekly", replace(model, feature_window_days=7, min_active_days=1))
    both = side_by_side(daily, settings, AS_OF, Named("own", model), weekly)
    own, other = (centres(both, side, side).set_index("segment")["bytes_per_day"] for side in ("left", "right"))
    assert set(own.index) == set(other.index)
    assert (own != other).all()


def test_the_notebook_runs(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_SET", shlex.join(trained.arguments[1::2]))
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
        train_segments.main([*trained.arguments, "--as-of", "2024-01-02"])
    with pytest.raises(SettingsError, match="share_wbe is no feature"):
        train_segments.main([*trained.arguments, "--set", "segments.features=[share_wbe, share_web]"])


@pytest.mark.parametrize("job", [train_segments, assign_segments, compare_segments])
def test_a_date_that_the_table_does_not_tell_of_is_refused(trained: Trained, job: ModuleType) -> None:
    for day in ("2030-01-01", "2024-01-01"):
        with pytest.raises(AsOfError, match="holds 2024-01-01 to 2024-01-28"):
            job.main([*trained.arguments, "--as-of", day])


def test_days_that_are_not_there_are_told(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    lake, day = trained.lake, "2024-01-08"
    try:
        assert assign_segments.main([*trained.arguments, "--as-of", day]) == 0
        short = [*WORSE, "--as-of", day]
        assert train_segments.main([*trained.arguments, *short]) == 0
    finally:
        for table, column in ((CUSTOMER_SEGMENTS, "as_of"), (SEGMENT_MIGRATIONS, "from_as_of")):
            lake.delete(table, f"{column} = DATE'{day}'")
    assert capsys.readouterr().out.count(f"only 7 of the 14 days before {day} are there") == 2


def test_where_nobody_is_active_enough_nothing_is_written(trained: Trained) -> None:
    with pytest.raises(NoSegmentsError, match="nobody has 4 active days in the 14 days before 2024-01-03"):
        assign_segments.main([*trained.arguments, "--as-of", "2024-01-03"])
    assert trained.lake.read_or_empty(CUSTOMER_SEGMENTS).where("as_of < DATE'2024-01-15'").isEmpty()
