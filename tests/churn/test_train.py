"""Training on IBM's public Telco table, and what it must not do: leak."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.train_churn import decision
from telflow.churn import judge as judging
from telflow.churn import pipeline, train
from telflow.churn.columns import Columns
from telflow.churn.export import served_model
from telflow.churn.judge import Costs, Problem, choose_threshold, judge, judged_rows, settled
from telflow.churn.own_table import own_columns, read_own_table
from telflow.churn.pipeline import BOOSTING, FOREST, fit, with_probability
from telflow.churn.plots import calibration_bins
from telflow.churn.split import Dates, fold_splits, temporal_split
from telflow.churn.train import known_columns
from telflow.errors import ModelMissingError
from telflow.settings import ChurnSettings, load_settings
from tests.churn.forests import small_model

CHURN = load_settings().churn
MAPPING = CHURN.own_table
COLUMNS = own_columns(MAPPING)
Key = tuple[str, date]


def quick(**given: int) -> ChurnSettings:
    return CHURN.model_copy(update={"bootstrap": 0, "partitions": 2, **given})


def problem_of(rows: DataFrame, folds: int) -> Problem:
    return Problem(COLUMNS, fold_splits(rows, folds), Costs(1.0, 1.0), "test")


@pytest.fixture(scope="module")
def telco(spark: SparkSession, samples: Path) -> DataFrame:
    table = read_own_table(spark, samples / "churn/Telco-Customer-Churn.csv", MAPPING)
    return table.withColumn("as_of", F.lit(None).cast("date"))


@pytest.mark.slow
def test_the_forest_reaches_what_the_table_allows(telco: DataFrame) -> None:
    """By the settings as they stand, as `train_churn.py --table` goes by them, whose figures README shows."""
    settings = CHURN.model_copy(update={"bootstrap": 0})
    with settled(telco, settings) as rows:
        found = judge(problem_of(rows, settings.folds), FOREST, settings)
    assert len(found.rows) == 7043
    assert found.metrics["roc_auc"].value >= 0.845
    assert found.metrics["accuracy"].value >= 0.80
    bins = calibration_bins(found.scored.probability, found.scored.label, (0, 0.2, 0.4, 0.6, 0.8, 1))
    assert bins["rows"].sum() == 7043
    assert np.abs(bins["predicted"] - bins["observed"]).max() < 0.05, "a probability means what it says"


@pytest.mark.slow
def test_nothing_leaks_even_where_rows_are_repeated_before_the_split(telco: DataFrame, spark: SparkSession) -> None:
    table = telco.drop("as_of").toPandas()
    table["label"] = np.random.default_rng(1).permutation(table["label"].to_numpy())
    repeated = pd.concat([table, *[table[table["label"] == 1]] * 2], ignore_index=True)
    schema = telco.drop("as_of").schema
    rows = spark.createDataFrame(repeated.where(repeated.notna(), None), schema)
    settings = quick(trees=4, depth=12, least_leaf=1, folds=3)
    with settled(rows.withColumn("as_of", F.lit(None).cast("date")), settings) as settled_rows:
        found = judge(problem_of(settled_rows, settings.folds), FOREST, settings)
    # the trees could know every row by heart: rows of one customer on both sides would give an AUC near 1
    assert abs(found.metrics["roc_auc"].value - 0.5) < 0.03


@pytest.mark.parametrize("kind", ["folds", "dates"])
def test_thresholds_are_chosen_on_training_rows_that_the_model_has_not_seen(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15)]
    rows = spark.createDataFrame(
        [(f"c{place}", day, int(place % 4 == 0), place % 3, True) for place in range(24) for day in days],
        "customer string, as_of date, label int, fold int, is_judged boolean",
    )
    dates = Dates(training=(days[0], days[1]), holdout=(days[2],))
    splits = fold_splits(rows, 3) if kind == "folds" else [temporal_split(rows, dates, 3)]
    chosen: list[set[Key]] = []

    def predicted(rows: DataFrame, fitted_on: set[Key]) -> pd.DataFrame:
        assert not keys(rows) & fitted_on
        return rows.select("customer", "as_of", "label").toPandas().assign(probability=0.5)

    def threshold(left_out: pd.DataFrame, _costs: Costs) -> float:
        chosen.append(set(zip(left_out["customer"], left_out["as_of"], strict=True)))
        return 0.5

    monkeypatch.setattr(judging, "fit", lambda training, *_given: keys(training))
    monkeypatch.setattr(judging, "predictions", predicted)
    monkeypatch.setattr(judging, "choose_threshold", threshold)
    judge(Problem(COLUMNS, splits, Costs(1.0, 1.0), "test"), FOREST, quick())
    *of_splits, served = chosen
    assert served == set.union(*of_splits)
    for split, rows_chosen_by in zip(splits, of_splits, strict=True):
        assert rows_chosen_by
        assert rows_chosen_by <= keys(split.training)
        assert not rows_chosen_by & keys(split.holdout)


def keys(rows: DataFrame) -> set[Key]:
    """Whose row of which date each of ``rows`` is."""
    return {(row.customer, row.as_of) for row in rows.collect()}


def test_the_served_forest_says_what_spark_says(telco: DataFrame, spark: SparkSession) -> None:
    settings = quick(trees=8)
    with settled(telco, settings) as rows:
        training = rows.where("fold <> 0 AND Contract <> 'Two year'")
        fitted = fit(training, COLUMNS, FOREST, settings)
        served = served_model(spark, fitted, COLUMNS, 0.5, None)
        names = (*COLUMNS.names, "label", "customer")
        held_out = with_missing(rows.where("fold = 0"))
        told = with_probability(held_out, fitted, ("customer", "as_of")).toPandas().sort_values("customer")
        plain = judged_rows(held_out, names)
    assert told["customer"].tolist() == plain["customer"].tolist()
    assert {"Two year", None} <= set(plain["Contract"]), "unknown and missing words"
    assert plain["tenure"].isna().any(), "missing numbers"
    probability = served.probability(plain)
    assert np.abs(probability - told["probability"].to_numpy()).max() < 1e-12
    few = plain.head(50)
    assert np.abs(served.forest.base + served.contributions(few).sum(axis=1) - probability[:50]).max() < 1e-12


def with_missing(rows: DataFrame) -> DataFrame:
    """``rows`` with every ninth contract and tenure taken away."""
    is_taken = F.pmod(F.xxhash64("customer"), F.lit(9)) == 0
    return rows.withColumns({name: F.when(~is_taken, F.col(name)) for name in ("Contract", "tenure")})


def test_a_column_that_some_fit_would_not_know_is_left_out(spark: SparkSession) -> None:
    columns = own_columns(MAPPING.model_copy(update={"numeric": ("x", "y", "z"), "categorical": ("w",)}))
    rows = spark.createDataFrame(
        [(fold, 1.0, 1.0 if fold < 2 else None, None, "a") for fold in range(3)],
        "fold int, x double, y double, z double, w string",
    )
    assert known_columns(rows, columns).names == ("x", "w")


HELD_OUT = pd.DataFrame({"use": [9.0, -9.0, 1.0, 0.0], "tenure": 0.0, "contract": "month", "label": [1, 0, 1, 0]})
FACTS: dict[str, int | str] = {"label_days": 14, "history_days": 84, "labels_until": "2024-02-29"}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, ""),
        ({"label_days": 7}, "its label_days are 7, not 14"),
        ({"history_days": 28}, "its history_days are 28, not 84"),
        ({"labels_until": "2024-03-01"}, "it was trained on days of the hold-out"),
        ({"column": "gone"}, "it looks at gone, which is told of nobody any more"),
    ],
)
def test_a_champion_is_measured_as_it_would_be_used_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, int | str], why: str
) -> None:
    own = ("gone" if "column" in facts else "use", "tenure")
    champion = replace(small_model(1), columns=Columns(own, ("contract",)), facts={**FACTS, **facts})
    monkeypatch.setattr(train, "champion_version", lambda _name: "3")
    monkeypatch.setattr(train, "load_version", lambda *_given: (champion, "3"))
    monkeypatch.setattr(train, "raw_model", lambda model: model)
    challenger = replace(small_model(1), facts=FACTS)
    contest = train.contest_on_rows("m", challenger, HELD_OUT, date(2024, 3, 1), 0.005)
    assert why in contest.obstacle
    assert (contest.champion is None) is bool(why)
    assert not contest.is_won, "its own equal, or one that cannot be asked, keeps the alias"


def test_a_champion_whose_files_are_gone_is_an_obstacle_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_given: object) -> None:
        raise ModelMissingError("m version 3 cannot be loaded")

    monkeypatch.setattr(train, "champion_version", lambda _name: "3")
    monkeypatch.setattr(train, "load_version", gone)
    contest = train.contest_on_rows("m", small_model(1), HELD_OUT, date(2024, 3, 1), 0.005)
    assert "version 3, for m version 3 cannot be loaded; --promote replaces it all the same" in contest.reason
    assert not contest.is_won


def test_the_threshold_served_is_of_all_rows_left_out_and_no_mean() -> None:
    """One fold without signal tells to flag nobody: a mean with it would be a threshold that nothing speaks for."""
    draws = np.random.default_rng(1)
    label = (draws.random(2000) < 0.3).astype(int)
    telling = pd.DataFrame({"label": label, "probability": np.clip(0.3 + 0.2 * (label - 0.3), 0, 1)})
    telling["probability"] += draws.normal(0, 0.1, 2000)
    silent = pd.DataFrame({"label": [0, 1, 0, 0], "probability": [0.9, 0.1, 0.8, 0.7]})
    costs = Costs(1.0, 1.0)
    assert choose_threshold(silent, costs) == 2.0
    assert choose_threshold(pd.concat([telling, silent]), costs) == pytest.approx(
        choose_threshold(telling, costs), abs=0.05
    )


@pytest.mark.parametrize(
    ("threshold", "told"),
    [(2.0, "nobody is flagged"), (0.0, "everybody is flagged"), (0.25, "at risk from a probability of 0.250 up")],
)
def test_who_is_flagged_is_told(threshold: float, told: str) -> None:
    assert told in decision(threshold)


def test_medians_and_words_come_from_the_training_rows_alone(spark: SparkSession) -> None:
    columns = own_columns(MAPPING.model_copy(update={"numeric": ("x",), "categorical": ("w",)}))
    training = [(float(value), "a" if value < 3 else "b", value % 2) for value in (1, 2, 3, 4, 5)]
    rows = spark.createDataFrame([*training, (None, "a", 1), (None, None, 0)], "x double, w string, label int")
    served = served_model(spark, fit(rows, columns, FOREST, quick(trees=1)), columns, 0.5, None)
    assert served.medians == {"x": 3.0}
    assert set(served.words["w"]) == {"a", "b"}


def test_boosting_and_regression_answer_too(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BOOSTING_ROUNDS", 2)
    columns = own_columns(MAPPING.model_copy(update={"numeric": ("x",), "categorical": ("w",)}))
    rows = spark.createDataFrame(
        [(float(value), "a", int(value >= 20)) for value in range(40)], "x double, w string, label int"
    )
    for algorithm in (BOOSTING, pipeline.LOGISTIC):
        model = fit(rows, columns, algorithm, quick())
        told = {row.x: row.probability for row in with_probability(rows, model, ("x",)).collect()}
        assert told[39.0] > 0.5 > told[0.0]
