"""Metrics in Spark beside scikit-learn's, and agreement counted from pairs."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from telflow.segments.fit import Candidate
from telflow.segments.metrics import (
    ari_of,
    ari_of_counts,
    bootstrap_ari,
    bounded_sample,
    clustering_metrics,
    davies_bouldin,
)
from telflow.segments.model import Centres, Floats, Integers
from telflow.settings import Algorithm

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def blobs(rows: int, spread: float = 0.5) -> tuple[Floats, Integers]:
    rng = np.random.default_rng(3)
    number = np.arange(rows) % 3
    middle = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]])
    return middle[number] + spread * rng.standard_normal((rows, 2)), number


def clustered(spark: SparkSession, points: Floats, number: Integers) -> DataFrame:
    rows = [(f"c{at:03}", point.tolist(), int(own)) for at, (point, own) in enumerate(zip(points, number, strict=True))]
    frame = spark.createDataFrame(rows, "customer string, prepared array<double>, prediction int")
    return frame.withColumn("prepared", array_to_vector(F.col("prepared")))


def test_metrics_are_those_of_scikit_learn(spark: SparkSession) -> None:
    points, number = blobs(80, spread=1.5)
    found = clustering_metrics(clustered(spark, points, number), 3)
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(points, number))
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, number))
    assert found["silhouette"] == pytest.approx(silhouette_score(points, number, metric="sqeuclidean"))
    assert (found["smallest_share"], found["largest_share"]) == (26 / 80, 27 / 80)


def test_a_cluster_of_nobody_is_the_smallest_and_one_for_all_has_no_silhouette(spark: SparkSession) -> None:
    points, number = blobs(20)
    found = clustering_metrics(clustered(spark, points, number), 4)
    assert (found["smallest_share"], found["largest_share"]) == (0.0, 7 / 20)
    alone = clustering_metrics(clustered(spark, points, np.zeros(20, dtype=np.int64)), 1)
    assert alone["silhouette"] is alone["calinski_harabasz"] is alone["davies_bouldin"] is None
    assert (alone["smallest_share"], alone["largest_share"]) == (1.0, 1.0)


def test_two_clusters_with_one_centre_have_no_davies_bouldin() -> None:
    assert davies_bouldin(np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0])) is None


@given(LABELS)
def test_agreement_is_that_of_scikit_learn(labels: list[tuple[int, int]]) -> None:
    counts = [(left, right, times) for (left, right), times in Counter(labels).items()]
    left, right = zip(*labels, strict=True)
    assert ari_of_counts(counts) == pytest.approx(adjusted_rand_score(left, right))


def test_agreement_over_rows(spark: SparkSession) -> None:
    pairs = spark.createDataFrame([("a", 1), ("a", 1), ("b", 0), ("b", 0)], "l string, r int")
    assert ari_of(pairs, "l", "r") == 1.0
    assert ari_of(pairs.limit(0), "l", "r") is None


def test_a_sample_is_bounded_and_the_same_from_any_order(spark: SparkSession) -> None:
    rows = clustered(spark, *blobs(60))
    sample = bounded_sample(rows, 1, 20)
    assert sample.shape == (20, 2)
    assert np.array_equal(bounded_sample(rows.repartition(5, "prediction").orderBy(F.desc("customer")), 1, 20), sample)
    assert not np.array_equal(bounded_sample(rows, 2, 20), sample)


@pytest.mark.parametrize("algorithm", ["kmeans", "bisecting_kmeans", "gaussian_mixture"])
def test_what_is_plain_in_the_data_is_stable_and_what_is_not_is_not(algorithm: Algorithm) -> None:
    candidate = Candidate(algorithm, 3, "log_standard", seed=1, starts=2, iterations=50)
    points, _ = blobs(150)
    corners = ((0.0, 0.0), (5.0, 0.0), (0.0, 7.0))
    weights = (1 / 3,) * 3 if algorithm == "gaussian_mixture" else None
    round_ones = (((0.25, 0.0), (0.0, 0.25)),) * 3 if weights else None
    assert bootstrap_ari(points, Centres(algorithm, corners, weights, round_ones), candidate, 4) > 0.95
    even = np.random.default_rng(5).standard_normal((150, 2))
    shaken = Centres(algorithm, ((0.0, 1.0), (0.1, 0.0), (1.0, -0.5)), weights, round_ones)
    assert bootstrap_ari(even, shaken, candidate, 4) < 0.8
