"""Preparations and centres, fitted by Spark ML.

What is fitted leaves Spark as plain numbers (``telflow.segments.model``): those answer everywhere, in Spark as well, so
that there is one answer. Rows come to the fits in a stable order, since the order decides the first centres.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline
from pyspark.ml.clustering import BisectingKMeans, GaussianMixture, KMeans
from pyspark.ml.feature import PCA, StandardScaler, VectorAssembler
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from telflow.scales import Scale
from telflow.segments.model import Centres, Floats, Preparation, SegmentModel
from telflow.settings import Algorithm, Transform

PREPARED: Final = "prepared"
TOLERANCE: Final = 1e-6
BISECTING_ITERATIONS: Final = 20  # Spark's own default: it takes all of them, converged or not, at every level
AWAY_FROM_ORIGIN: Final = 10.0
LEAST_WEIGHT: Final = 1e-12  # of a component that nobody belongs to: its logarithm stays a number

Scales = dict[str, Scale]


@dataclass(frozen=True)
class Candidate:
    """What one fit of the sweep is.

    Attributes:
        algorithm: of Spark ML.
        k: number of clusters.
        transform: how features are prepared.
        seed: of the first centres.
        starts: runs from different first centres, of which the tightest is kept; k-means alone.
        iterations: most iterations; of bisecting k-means no more than BISECTING_ITERATIONS a level.
    """

    algorithm: Algorithm
    k: int
    transform: Transform
    seed: int
    starts: int
    iterations: int

    @property
    def used(self) -> dict[str, object]:
        """What decides the fit, by name: no more than the algorithm looks at."""
        told = asdict(self)
        if self.algorithm != "kmeans":
            del told["starts"]
        if self.algorithm == "bisecting_kmeans":
            told["iterations"] = min(self.iterations, BISECTING_ITERATIONS)
        return told


def in_stable_order(features: DataFrame, partitions: int) -> DataFrame:
    """``features`` with the same rows in the same order in every partition, whatever computed them."""
    return features.repartition(partitions, "customer").sortWithinPartitions("customer")


def scales_of(transform: Transform, features: Scales) -> Scales:
    """How each feature is evened out under ``transform``."""
    return features if transform.startswith("log") else dict.fromkeys(features, "plain")


def fit_preparation(rows: DataFrame, transform: Transform, features: Scales, pca_variance: float) -> Preparation:
    """How ``rows`` become the space that ``transform`` names.

    Args:
        rows: columns of ``features``, in natural units.
        transform: ``raw`` for natural units, ``standard`` for zero mean and unit deviation, ``log_standard`` evened
            out before, ``log_standard_pca`` on principal axes after.
        features: how to even each feature out.
        pca_variance: part of the variance that the axes keep.
    """
    names, scales = tuple(features), scales_of(transform, features)
    if transform == "raw":
        return Preparation(names, tuple(scales.values()), (0.0,) * len(names), (1.0,) * len(names))
    even = rows.select([evened(name, scale).alias(name) for name, scale in scales.items()])
    stages: list[Any] = [
        VectorAssembler(inputCols=list(names), outputCol="even"),
        StandardScaler(inputCol="even", outputCol="standard", withMean=True, withStd=True),
    ]
    if transform == "log_standard_pca":
        stages.append(PCA(k=len(names), inputCol="standard", outputCol=PREPARED))
    fitted = cast(list[Any], Pipeline(stages=stages).fit(even).stages)
    deviations = fitted[1].std.toArray()
    return Preparation(
        names,
        tuple(scales.values()),
        means=numbers(fitted[1].mean.toArray()),
        deviations=numbers(np.where(deviations > 0, deviations, 1.0)),  # a constant feature is 0, as in Spark
        rotation=principal_axes(fitted[2], pca_variance) if transform == "log_standard_pca" else None,
    )


def principal_axes(fitted: Any, pca_variance: float) -> tuple[tuple[float, ...], ...]:
    """The first axes of a PCAModel that together explain ``pca_variance``."""
    explained = np.cumsum(fitted.explainedVariance.toArray())
    kept = min(int(np.searchsorted(explained, pca_variance)) + 1, len(explained))
    return tuple(numbers(axis) for axis in fitted.pc.toArray().T[:kept])


def evened(name: str, scale: Scale) -> Column:
    """Column ``name`` evened out, as ``telflow.segments.model.evened`` does it."""
    column = F.col(name)
    return {"log": F.log1p(column), "root": F.sqrt(column), "plain": column}[scale]


def with_prepared(rows: DataFrame, preparation: Preparation) -> DataFrame:
    """Adds ``prepared`` (vector): the features in the space of ``preparation``."""

    def prepare(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            values = batch[list(preparation.features)].to_numpy(dtype=np.float64)
            yield batch.assign(**{PREPARED: list(preparation(values))})

    told = rows.mapInPandas(prepare, with_fields(rows, f"{PREPARED} array<double>"))
    return told.withColumn(PREPARED, array_to_vector(F.col(PREPARED)))


def with_fields(rows: DataFrame, ddl: str) -> StructType:
    """Schema of ``rows`` with the columns of ``ddl`` behind it."""
    return StructType([*rows.schema.fields, *cast(StructType, StructType.fromDDL(ddl)).fields])


def fit_centres(prepared: DataFrame, candidate: Candidate) -> Centres:
    """Clusters of ``prepared`` (vector).

    Of bisecting k-means the centres of the leaves are kept, and a customer belongs to the nearest; Spark's own model
    goes down its tree instead.
    """
    settings: dict[str, Any] = {
        "k": candidate.k,
        "featuresCol": PREPARED,
        "maxIter": candidate.iterations,
    }
    if candidate.algorithm == "gaussian_mixture":
        return fit_mixture(prepared, GaussianMixture(seed=candidate.seed, tol=TOLERANCE, **settings))
    if candidate.algorithm == "bisecting_kmeans":
        return fit_bisecting(prepared, candidate)
    fits = [
        KMeans(seed=candidate.seed + start, tol=TOLERANCE, **settings).fit(prepared)
        for start in range(candidate.starts)
    ]
    tightest: Any = min(fits, key=lambda fit: fit.summary.trainingCost)
    return Centres("kmeans", tuple(numbers(centre) for centre in tightest.clusterCenters()))


def fit_bisecting(prepared: DataFrame, candidate: Candidate) -> Centres:
    """Leaves of a bisecting k-means.

    Spark splits a cluster by a push in proportion to the norm of its centre: standardised customers, whose centre is
    the origin, stay in one cluster for ever. So they are moved away from it for the fit, which changes no distance.
    """
    away = F.transform(vector_to_array(F.col(PREPARED)), lambda value: value + AWAY_FROM_ORIGIN)
    bisecting = BisectingKMeans(
        k=candidate.k,
        seed=candidate.seed,
        featuresCol=PREPARED,
        maxIter=min(candidate.iterations, BISECTING_ITERATIONS),
    )
    fitted = bisecting.fit(prepared.withColumn(PREPARED, array_to_vector(away)))
    return Centres("bisecting_kmeans", tuple(numbers(centre - AWAY_FROM_ORIGIN) for centre in fitted.clusterCenters()))


def fit_mixture(prepared: DataFrame, mixture: GaussianMixture) -> Centres:
    """Components of a Gaussian mixture."""
    fitted = mixture.fit(prepared)
    return Centres(
        "gaussian_mixture",
        tuple(numbers(component.mean.toArray()) for component in fitted.gaussians),
        weights=numbers(np.maximum(fitted.weights, LEAST_WEIGHT)),
        covariances=tuple(tuple(numbers(row) for row in each.cov.toArray()) for each in fitted.gaussians),
    )


def with_cluster(prepared: DataFrame, centres: Centres) -> DataFrame:
    """Adds ``prediction`` (int): the number of the nearest of ``centres`` to ``prepared`` (vector)."""

    def nearest(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            number, _ = centres.nearest(np.stack(batch[PREPARED].to_list()))
            yield batch.assign(prediction=number.astype(np.int32))

    unpacked = prepared.withColumn(PREPARED, vector_to_array(F.col(PREPARED)))  # Arrow carries no vectors
    clustered = unpacked.mapInPandas(nearest, with_fields(unpacked, "prediction int"))
    return clustered.withColumn(PREPARED, array_to_vector(F.col(PREPARED)))


def with_segment(features: DataFrame, model: SegmentModel) -> DataFrame:
    """Adds ``segment`` (string), ``segment_number`` (int) and ``distance`` (double): the answer of ``model``."""

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield batch.join(model.predict(batch))

    answers = with_fields(features, "segment string, segment_number int, distance double")
    return features.mapInPandas(answer, answers)


def numbers(values: Floats) -> tuple[float, ...]:
    """``values`` as plain floats."""
    return tuple(float(value) for value in values)
