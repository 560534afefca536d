"""Training and scoring end to end on a small lake, twice: the same model, and the alias stays where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from pyspark.sql import Row, SparkSession

from jobs import score_churn, train_churn
from telflow.churn.data import TABLES, read_sources
from telflow.churn.score import spread, with_answers
from telflow.churn.train import GROUND, RECORDED, contest_on_record
from telflow.errors import AsOfError, ModelMissingError
from telflow.lake import Lake
from telflow.settings import ChurnSettings, load_settings
from telflow.tables import CHURN_SCORES, COMPLAINTS, CUSTOMER_DAILY, SUBSCRIBERS
from telflow.tracking import CALIBRATION_ARTIFACT, as_logged, champion_version, load_version, raw_model
from tests.churn.rows import leaving_days, names, write_lake

pytestmark = pytest.mark.slow

METRICS = ("accuracy", "precision", "recall", "f1", "pr_auc", "roc_auc", "brier")
PLOTS = {"calibration.png", "confusion.png", "permutation_importance.png", "comparison.png"}


@dataclass(frozen=True)
class Ran:
    """What was trained and scored, and what it told."""

    lake: Lake
    arguments: list[str]
    told: list[str]
    scores: list[list[Row]]


@pytest.fixture(scope="module")
def ran(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    here = tmp_path_factory.mktemp("churn")
    lake = Lake(spark, str(here / "lake"))
    write_lake(lake, spark)
    arguments = ["--conf", str(Path("conf").absolute()), "--set", f"lake.root={lake.root}"]
    quick = {"trees": 5, "least_leaf": 2, "folds": 3, "bootstrap": 20, "partitions": 1}
    quick |= {"most_dates": 4, "depth": 3}
    arguments += [part for key, value in quick.items() for part in ("--set", f"churn.{key}={value}")]
    uri = mlflow.get_tracking_uri()
    told: list[str] = []
    scores = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for baselines in ("[logistic_regression]", "[]"):
            with pytest.MonkeyPatch.context() as caught:
                lines: list[str] = []
                caught.setattr("builtins.print", lines.append)
                assert train_churn.main([*arguments, "--set", f"churn.baselines={baselines}"]) == 0
                assert score_churn.main([*arguments, "--model-version", str(len(told) + 1)]) == 0
            told.append("\n".join(lines))
            scores.append(lake.read(CHURN_SCORES).drop("scored_at").orderBy("customer").collect())
        yield Ran(lake, arguments, told, scores)
    mlflow.set_tracking_uri(uri)


def test_the_same_tables_and_seed_give_the_same_model(ran: Ran) -> None:
    first, second = parents()
    assert {name: first.data.metrics[name] for name in METRICS} == {name: second.data.metrics[name] for name in METRICS}
    assert first.data.params["seed"] == second.data.params["seed"]
    assert {row.model_version for row in ran.scores[1]} == {"2"}
    assert [answer(row) for row in ran.scores[0]] == [answer(row) for row in ran.scores[1]]


def answer(row: Row) -> dict[str, object]:
    """``row`` without the version that answered."""
    return {name: value for name, value in row.asDict(recursive=True).items() if name != "model_version"}


def test_those_who_complain_leave_and_the_forest_finds_it(ran: Ran) -> None:
    metrics = parents()[0].data.metrics
    assert metrics["roc_auc"] > 0.8
    assert metrics["roc_auc_best"] == 1.0
    assert f"roc_auc {metrics['roc_auc']:.3f}, best possible from the planted truth 1.000" in ran.told[0]


def test_a_run_is_trained_again_on_the_versions_it_logged(ran: Ran) -> None:
    first = parents()[0].data
    versions = {table.name: int(first.tags[f"source_{table.name}_version"]) for table in TABLES}
    assert versions == {table.name: ran.lake.version(table) for table in TABLES}
    settings = load_settings(overrides=ran.arguments[3::2], conf=Path(ran.arguments[1]))
    dates = [date.fromisoformat(day) for day in first.params["training_dates"].split(",")]

    def rows() -> list[Row]:
        sources = read_sources(ran.lake, versions)
        return sources.labelled(dates, settings.churn).orderBy("customer", "as_of").collect()

    before = rows()
    ran.lake.append(COMPLAINTS, ran.lake.read(COMPLAINTS))
    assert rows() == before
    assert read_sources(ran.lake).labelled(dates, settings.churn).orderBy("customer", "as_of").collect() != before


def test_a_run_is_run_again_though_tables_and_settings_moved_on(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    first = parents()[0]
    ran.lake.append(COMPLAINTS, ran.lake.read(COMPLAINTS))
    other = ["--set", "churn.trees=7", "--set", "churn.seed=9", "--set", "churn.baselines=[]"]
    assert train_churn.main([*ran.arguments, *other, "--again", first.info.run_id]) == 0
    told = capsys.readouterr().out
    assert f"is not the champion: roc_auc {first.data.metrics['roc_auc']:.4f}: run {first.info.run_id} again" in told
    again = parents()[-1]
    assert again.data.tags["again"] == first.info.run_id
    assert again.data.params == first.data.params
    own, made = (raw_model(load_version("telflow-churn", version)[0]) for version in ("1", newest("telflow-churn")))
    settings = load_settings(overrides=ran.arguments[3::2], conf=Path(ran.arguments[1])).churn
    rows = read_sources(ran.lake).features([date(2024, 2, 20)], settings.history_days).toPandas()
    assert len(rows) > 50
    assert made.probability(rows).tolist() == own.probability(rows).tolist()
    assert (made.threshold, made.facts) == (own.threshold, own.facts)
    assert champion_version("telflow-churn") == "1"
    nested = MlflowClient().search_runs(
        [first.info.experiment_id], f"tags.`mlflow.parentRunId` = '{first.info.run_id}'"
    )
    for run_id, why in (
        (nested[0].info.run_id, "is none of train_churn.py on the lake"),
        ("0abc", "MLflow holds no run"),
    ):
        with pytest.raises(ModelMissingError, match=why):
            train_churn.main([*ran.arguments, "--again", run_id])


def newest(name: str) -> str:
    """Newest version of a registered model."""
    return max((each.version for each in MlflowClient().search_model_versions(f"name='{name}'")), key=int)


def test_scoring_is_spread_by_rows(ran: Ran) -> None:
    model = raw_model(load_version("telflow-churn", "1")[0])
    features = read_sources(ran.lake).features([date(2024, 3, 10)], 84)
    apart = with_answers(features.transform(spread, 40), model, 3)
    assert apart.rdd.getNumPartitions() == 3
    told = {row.customer: (row.probability, row.reasons) for row in apart.collect()}
    whole = with_answers(features.transform(spread, 1000), model, 3)
    assert whole.rdd.getNumPartitions() == 1
    assert told == {row.customer: (row.probability, row.reasons) for row in whole.collect()}


def test_everything_that_decides_is_logged(ran: Ran) -> None:
    params = parents()[0].data.params
    settings = load_settings(overrides=ran.arguments[3::2], conf=Path(ran.arguments[1])).churn
    assert set(ChurnSettings.model_fields) - set(params) == {"own_table", "scratch"}
    again = as_logged(load_settings(conf=Path(ran.arguments[1])).churn, params)
    assert again.model_copy(update={"baselines": settings.baselines}) == settings
    assert (params["missed_cost"], params["false_alarm_cost"]) == ("5.0", "1.0")
    assert params["categorical"] == "", "only the newest state of these is delivered"
    assert ran.lake.read(SUBSCRIBERS).count() == 120


def test_the_alias_stays_where_the_challenger_is_no_better(ran: Ran) -> None:
    assert "telflow-churn version 1 is the champion" in ran.told[0]
    assert "telflow-churn version 2 is not the champion" in ran.told[1]
    assert champion_version("telflow-churn") == "1"
    assert "not better than the champion's" in parents()[1].data.tags["contest_reason"]


@pytest.mark.usefixtures("ran")
def test_metrics_have_intervals_and_the_baseline_stands_beside() -> None:
    first = parents()[0]
    for name in METRICS:
        assert first.data.metrics[f"{name}_low"] <= first.data.metrics[name] <= first.data.metrics[f"{name}_high"]
    nested = mlflow.search_runs(
        experiment_names=["telflow-churn"], filter_string=f"tags.`mlflow.parentRunId` = '{first.info.run_id}'"
    )
    assert set(nested["tags.mlflow.runName"]) == {"random_forest", "logistic_regression"}
    assert nested["metrics.roc_auc"].notna().all()


def test_sources_are_logged_with_their_version_and_pictures_are_there(ran: Ran) -> None:
    first = parents()[0]
    assert first.inputs is not None
    assert {given.dataset.name for given in first.inputs.dataset_inputs} == {
        "customer_daily",
        "subscribers",
        "churn_events",
        "complaints",
    }
    assert first.data.tags["source_customer_daily_version"] == str(ran.lake.version(CUSTOMER_DAILY))
    files = {item.path for item in MlflowClient().list_artifacts(first.info.run_id)}
    assert files >= PLOTS
    bins = mlflow.load_table(CALIBRATION_ARTIFACT, run_ids=[first.info.run_id])
    assert bins["rows"].sum() == first.data.metrics["holdout_rows"]
    assert (bins["observed"] * bins["rows"]).sum() == pytest.approx(first.data.metrics["holdout_leaving"])
    assert ((bins["observed_low"] <= bins["observed"]) & (bins["observed"] <= bins["observed_high"])).all()


def test_everybody_subscribed_has_a_score_with_reasons(ran: Ran) -> None:
    rows = ran.scores[0]
    assert [row.customer for row in rows] == sorted(set(names()) - set(leaving_days()))
    for row in rows:
        assert row.is_at_risk == (row.probability >= row.threshold)
        assert len(row.reasons) == 3
        assert row.reasons[0].reason
        assert (row.model, row.model_version, row.label_days) == ("telflow-churn", "1", 14)


def test_the_model_can_be_loaded_by_its_alias_and_adds_up(ran: Ran) -> None:
    model = mlflow.pyfunc.load_model("models:/telflow-churn@champion")
    example = model.input_example
    answer = model.predict(example)
    because = [name for name in answer if name.startswith("because_")]
    assert (answer["base"] + answer[because].sum(axis=1)).to_list() == pytest.approx(answer["probability"].to_list())
    assert ran.scores[0][0].base_probability == pytest.approx(answer["base"].iloc[0])


def test_a_table_of_ones_own_is_judged_by_cross_validation(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.csv"
    rows = [f"c{place},{'Yes' if place % 4 == 0 else 'No'},{place % 4 + place % 3},{place % 2}" for place in range(120)]
    path.write_text("\n".join(["id,gone,months,kind", *rows]) + "\n")
    arguments = [*ran.arguments, "--set", "churn.baselines=[]", "--table", str(path)]
    mapping = {"customer": "id", "label": "gone", "numeric": "[months]", "categorical": "[kind]"}
    arguments += [part for key, value in mapping.items() for part in ("--set", f"churn.own_table.{key}={value}")]
    assert train_churn.main(arguments) == 0
    told = capsys.readouterr().out
    assert "own.csv, 3-fold cross-validation: 120 rows, 30 of them left" in told
    assert "telflow-churn-own version 1 is the champion" in told
    name = "telflow-churn-own"
    version = MlflowClient().get_model_version_by_alias(name, "champion")
    params = mlflow.get_run(str(version.run_id)).data.params
    assert (params["missed_cost"], params["label"], params["left"]) == ("1.0", "gone", "Yes")
    recorded = float(version.tags[RECORDED])
    same = contest_on_record(name, recorded, version.tags[GROUND], 0.005)
    assert (same.champion, same.is_won) == (recorded, False)
    other = contest_on_record(name, 0.99, version.tags[GROUND].replace("gone", "left"), 0.005)
    assert "not measured beside the champion, version 1, for it was judged on another table" in other.reason
    assert not other.is_won
    model = mlflow.pyfunc.load_model("models:/telflow-churn-own@champion")
    answer = model.predict(pd.DataFrame({"months": [0.0, 5.0], "kind": ["0", "1"]}))
    assert answer["probability"].iloc[0] > answer["probability"].iloc[1]


def test_a_date_with_too_little_before_it_or_after_the_last_day_is_refused(ran: Ran) -> None:
    before = ran.lake.version(CHURN_SCORES)
    for day in ("2024-01-28", "2024-03-12", "2030-01-01"):
        with pytest.raises(AsOfError, match="holds 2024-01-01 to 2024-03-09 and 28 days are needed"):
            score_churn.main([*ran.arguments, "--as-of", day])
    assert ran.lake.version(CHURN_SCORES) == before


def parents() -> list[mlflow.entities.Run]:
    """Parent runs, the oldest first."""
    experiment = mlflow.get_experiment_by_name("telflow-churn")
    assert experiment is not None
    found = MlflowClient().search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return [run for run in found if "mlflow.parentRunId" not in run.data.tags]
