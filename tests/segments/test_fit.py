"""Fits by Spark ML: the plain numbers answer as Spark's own models do, and rows in any order give the same centres."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import Pipeline
from pyspark.ml.clustering import BisectingKMeans, GaussianMixture, KMeans
from pyspark.ml.feature import PCA, StandardScaler, VectorAssembler
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import adjusted_rand_score

from telflow.segments.fit import (
    Candidate,
    Scales,
    fit_centres,
    fit_preparation,
    in_stable_order,
    with_prepared,
    with_segment,
)
from telflow.segments.model import SegmentModel
from telflow.settings import Algorithm

FEATURES: Scales = {"volume": "log", "share": "root", "days": "plain", "constant": "plain"}
ROWS = 150


@pytest.fixture(scope="module")
def customers(spark: SparkSession) -> DataFrame:
    """Three kinds of customers, synthetic."""
    rng = np.random.default_rng(11)
    kind = np.arange(ROWS) % 3
    frame = pd.DataFrame(
        {
            "customer": [f"sub_{number:03}" for number in range(ROWS)],
            "kind": kind,
            "volume": np.array([1e6, 1e9, 1e9])[kind] * rng.lognormal(0, 0.5, ROWS),
            "share": np.clip(np.array([0.2, 0.2, 0.8])[kind] + 0.05 * rng.standard_normal(ROWS), 0, 1),
            "days": np.array([20.0, 10.0, 20.0])[kind] + rng.standard_normal(ROWS),
            "constant": 3.0,
        }
    )
    return in_stable_order(spark.createDataFrame(frame), 1).persist()


@pytest.fixture(scope="module")
def prepared(customers: DataFrame) -> DataFrame:
    return with_prepared(customers, fit_preparation(customers, "log_standard_pca", FEATURES, 0.9)).persist()


@pytest.fixture(scope="module")
def spark_standard(customers: DataFrame) -> DataFrame:
    """The customers evened out and standardised by Spark's own stages, in ``standard``."""
    even = customers.withColumns({"volume": F.log1p("volume"), "share": F.sqrt("share")})
    stages: list[Any] = [
        VectorAssembler(inputCols=list(FEATURES), outputCol="even"),
        StandardScaler(inputCol="even", outputCol="standard", withMean=True, withStd=True),
    ]
    return Pipeline(stages=stages).fit(even).transform(even).persist()


def candidate(algorithm: Algorithm) -> Candidate:
    return Candidate(algorithm, 3, "log_standard_pca", seed=1, starts=2, iterations=30)


def test_the_space_is_that_of_sparks_own_pipeline(
    customers: DataFrame, prepared: DataFrame, spark_standard: DataFrame
) -> None:
    axes = len(prepared.head(1)[0]["prepared"])
    spark_own = PCA(k=axes, inputCol="standard", outputCol="own").fit(spark_standard).transform(spark_standard)
    pairs = spark_own.join(prepared.select("customer", "prepared"), on="customer", how="inner")
    rows = pairs.select(vector_to_array(F.col("own")).alias("own"), vector_to_array(F.col("prepared")).alias("ours"))
    found = rows.toPandas()
    assert axes < len(FEATURES)
    assert len(found) == customers.count()
    assert np.stack(found["ours"].to_list()) == pytest.approx(np.stack(found["own"].to_list()), abs=1e-9)


def test_raw_leaves_everything_as_it_is(customers: DataFrame) -> None:
    raw = fit_preparation(customers, "raw", FEATURES, 0.8)
    values = np.array([[5.0, 0.25, 7.0, 3.0]])
    assert np.array_equal(raw(values), values)


@pytest.mark.parametrize("algorithm", ["kmeans", "bisecting_kmeans", "gaussian_mixture"])
def test_the_model_answers_as_sparks_own_pipeline_and_without_spark(
    customers: DataFrame, spark_standard: DataFrame, algorithm: Algorithm
) -> None:
    """Of features one of which is the same for all; bisecting moved away from the origin, or Spark divides nobody."""
    preparation = fit_preparation(customers, "log_standard", FEATURES, 0.9)
    centres = fit_centres(with_prepared(customers, preparation), candidate(algorithm))
    model = SegmentModel(preparation, centres, ("a", "b", "c"), 28, 10_000, min_active_days=4)
    told = with_segment(customers, model).orderBy("customer").toPandas()
    assert told["segment_number"].to_list() == sparks_own(spark_standard, algorithm)
    assert adjusted_rand_score(told["kind"], told["segment"]) > 0.98
    without = model.predict(customers.toPandas().set_index("customer").sort_index())
    assert told["segment"].to_list() == without["segment"].to_list()
    assert told["distance"].to_numpy() == pytest.approx(without["distance"].to_numpy(), abs=1e-12)


def sparks_own(standard: DataFrame, algorithm: Algorithm) -> list[int]:
    """Numbers of the clusters by Spark's own models, by customer."""
    given: dict[str, Any] = {"k": 3, "featuresCol": "standard"}
    fitted: Any
    if algorithm == "kmeans":
        fits = [KMeans(seed=seed, maxIter=30, tol=1e-6, **given).fit(standard) for seed in (1, 2)]
        fitted = min(fits, key=lambda fit: fit.summary.trainingCost)
    elif algorithm == "bisecting_kmeans":
        away = F.transform(vector_to_array(F.col("standard")), lambda value: value + 10.0)
        standard = standard.withColumn("standard", array_to_vector(away))
        fitted = BisectingKMeans(seed=1, maxIter=20, **given).fit(standard)
    else:
        fitted = GaussianMixture(seed=1, maxIter=30, tol=1e-6, **given).fit(standard)
    return [row.prediction for row in fitted.transform(standard).orderBy("customer").select("prediction").collect()]


def test_rows_in_another_order_give_the_same_centres(customers: DataFrame) -> None:
    def centres_of(rows: DataFrame) -> np.ndarray:
        ordered = in_stable_order(rows, 2)
        space = with_prepared(ordered, fit_preparation(ordered, "log_standard", FEATURES, 0.8)).persist()
        return np.array(fit_centres(space, candidate("kmeans")).points)

    turned = customers.repartition(5, "kind").orderBy(F.desc("volume"))
    assert centres_of(turned) == pytest.approx(centres_of(customers), abs=1e-9)
