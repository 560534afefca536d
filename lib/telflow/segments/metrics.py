"""How good a clustering is: aggregates in Spark over all customers, and stability from a bounded sample."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import vector_to_array
from pyspark.ml.stat import Summarizer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from telflow.segments.fit import PREPARED, Candidate
from telflow.segments.model import LEAST_VARIANCE, Centres, Floats, Integers

SILHOUETTE_DISTANCE: Final = "squaredEuclidean"


def clustering_metrics(clustered: DataFrame, k: int) -> dict[str, float | None]:
    """Metrics of a clustering over all its rows.

    Args:
        clustered: ``prepared`` (vector) and ``prediction`` (int).
        k: number of clusters that were asked for; one that holds nobody counts as the smallest.

    Returns:
        ``silhouette`` (of squared Euclidean distances, as Spark has it), ``calinski_harabasz`` and ``davies_bouldin``
        (the published formulas, of Euclidean distances), None for each where all rows are in one cluster;
        ``smallest_share`` and ``largest_share`` of the rows.
    """
    sizes = {row.prediction: row["count"] for row in clustered.groupBy("prediction").count().collect()}
    rows = sum(sizes.values())
    shares: dict[str, float | None] = {
        "smallest_share": min(sizes.values()) / rows if len(sizes) == k else 0.0,
        "largest_share": max(sizes.values()) / rows,
    }
    if len(sizes) < 2:
        return {"silhouette": None, "calinski_harabasz": None, "davies_bouldin": None, **shares}
    return {"silhouette": silhouette(clustered), **scatter_metrics(clustered), **shares}


def silhouette(clustered: DataFrame) -> float:
    """Silhouette over all rows, of squared Euclidean distances; there have to be two clusters."""
    evaluator = ClusteringEvaluator(featuresCol=PREPARED, distanceMeasure=SILHOUETTE_DISTANCE)
    return float(evaluator.evaluate(clustered))


def scatter_metrics(clustered: DataFrame) -> dict[str, float | None]:
    """Calinski-Harabasz (1974) and Davies-Bouldin (1979) from two aggregations: means, then distances to them."""
    means = clustered.groupBy("prediction").agg(
        vector_to_array(Summarizer.mean(F.col(PREPARED))).alias("mean"), F.count(F.lit(1)).alias("rows")
    )
    offset = squared_distance(vector_to_array(F.col(PREPARED)), F.col("mean"))
    scatter = (
        clustered.join(F.broadcast(means.select("prediction", "mean")), on="prediction", how="inner")
        .withColumn("square", offset)
        .groupBy("prediction")
        .agg(F.sum("square").alias("within"), F.avg(F.sqrt("square")).alias("spread"))
    )
    told = means.join(scatter, on="prediction", how="inner").orderBy("prediction").collect()
    centres = np.array([row["mean"] for row in told])
    rows = np.array([row["rows"] for row in told], dtype=np.float64)
    within = sum(row["within"] for row in told)
    spread = np.array([row["spread"] for row in told])
    centre = rows @ centres / rows.sum()
    between = float(rows @ ((centres - centre) ** 2).sum(axis=1))
    freedom = (rows.sum() - len(told)) / (len(told) - 1)
    return {
        "calinski_harabasz": float(between / within * freedom) if within > 0 else None,
        "davies_bouldin": davies_bouldin(centres, spread),
    }


def davies_bouldin(centres: Floats, spread: Floats) -> float | None:
    """Mean over clusters of the worst (spread + spread of the other) / distance; None where two centres are one."""
    distances = np.sqrt(((centres[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    if not distances.all():
        return None
    return float(((spread[:, None] + spread[None, :]) / distances).max(axis=1).mean())


def squared_distance(left: Column, right: Column) -> Column:
    """Squared Euclidean distance of two arrays."""
    squares = F.zip_with(left, right, lambda one, other: (one - other) * (one - other))
    return F.aggregate(squares, F.lit(0.0), lambda summed, square: summed + square)


def ari_of(pairs: DataFrame, left: str, right: str) -> float | None:
    """Adjusted Rand index of two labellings in the columns ``left`` and ``right``; None without rows."""
    counts = pairs.groupBy(left, right).count().collect()
    return ari_of_counts([(row[left], row[right], row["count"]) for row in counts])


def ari_of_counts(counts: Iterable[tuple[Any, Any, int]]) -> float | None:
    """Adjusted Rand index (Hubert and Arabie 1985) from how often each pair of labels stands together."""
    by_left: dict[Any, int] = {}
    by_right: dict[Any, int] = {}
    together = 0.0
    for left, right, count in counts:
        by_left[left] = by_left.get(left, 0) + count
        by_right[right] = by_right.get(right, 0) + count
        together += pairs_of(count)
    total = sum(by_left.values())
    if not total:
        return None
    lefts, rights = sum(map(pairs_of, by_left.values())), sum(map(pairs_of, by_right.values()))
    expected = lefts * rights / pairs_of(total) if total > 1 else 0.0
    most = (lefts + rights) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def pairs_of(count: int) -> float:
    """Pairs among ``count``."""
    return count * (count - 1) / 2


def bounded_sample(prepared: DataFrame, seed: int, most: int) -> Floats:
    """``prepared`` of at most ``most`` customers, the same ones every time, in an order of their own."""
    chosen = prepared.orderBy(F.xxhash64("customer", F.lit(seed)), "customer").limit(most)
    rows = chosen.select(vector_to_array(F.col(PREPARED)).alias(PREPARED)).toArrow().column(PREPARED)
    return np.array(rows.to_pylist(), dtype=np.float64)


def bootstrap_ari(sample: Floats, centres: Centres, candidate: Candidate, rounds: int) -> float:
    """Stability: mean ARI of the clustering with those of resamples (Hennig 2007 has the idea).

    Each round draws as many customers with replacement, fits the same algorithm to them, and both answer on the whole
    sample. The fits are scikit-learn's, which takes a fraction of a second where a Spark job takes several: another
    implementation of the same algorithm, so that only what the data itself says is stable counts as stable.
    """
    own = centres.nearest(sample)[0]
    rng = np.random.default_rng(candidate.seed)
    scores = []
    for round_number in range(rounds):
        drawn = sample[rng.integers(0, len(sample), len(sample))]
        scores.append(float(adjusted_rand_score(own, refitted(drawn, candidate, round_number, sample))))
    return float(np.mean(scores))


def refitted(drawn: Floats, candidate: Candidate, round_number: int, sample: Floats) -> Integers:
    """Clusters of ``sample`` after a fit to ``drawn``."""
    seed = candidate.seed + round_number
    if candidate.algorithm == "gaussian_mixture":
        mixture = GaussianMixture(candidate.k, random_state=seed, reg_covar=LEAST_VARIANCE)
        return np.asarray(mixture.fit(drawn).predict(sample))
    if candidate.algorithm == "bisecting_kmeans":
        bisecting = BisectingKMeans(candidate.k, random_state=seed, n_init=1).fit(drawn)
        return Centres("bisecting_kmeans", tuple(map(tuple, bisecting.cluster_centers_))).nearest(sample)[0]
    return np.asarray(KMeans(candidate.k, random_state=seed, n_init=candidate.starts).fit(drawn).predict(sample))
