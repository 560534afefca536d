"""The sweep: each algorithm, number of segments and transform fitted and measured in a nested run, and ranked."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import mlflow
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.errors import NoSegmentsError, SettingsError
from telflow.segments import plots
from telflow.segments.fit import (
    PREPARED,
    Candidate,
    Scales,
    fit_centres,
    fit_preparation,
    with_cluster,
    with_prepared,
)
from telflow.segments.inputs import MODEL_ARTIFACT, known_features
from telflow.segments.metrics import (
    SILHOUETTE_DISTANCE,
    ari_of,
    bootstrap_ari,
    bounded_sample,
    clustering_metrics,
    silhouette,
)
from telflow.segments.model import Centres, Floats, Preparation, SegmentModel
from telflow.segments.profile import Profiles, cluster_profiles
from telflow.segments.ranking import Standing, ranking, standing
from telflow.settings import SegmentsSettings, Settings, Transform
from telflow.tracking import CENTRES_ARTIFACT, log_values

PLANTED: Final = "planted"

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Tried:
    """One run of the sweep.

    Attributes:
        candidate: what was fitted.
        run_id: its run in MLflow.
        model: what came out.
        profiles: what its segments are like.
        metrics: by name, as logged.
        standing: where it stands among the others.
    """

    candidate: Candidate
    run_id: str
    model: SegmentModel
    profiles: Profiles
    metrics: Metrics
    standing: Standing


@dataclass(frozen=True)
class Prepared:
    """Customers in the space of one transform, and a bounded sample of them."""

    rows: DataFrame
    preparation: Preparation
    sample: Floats


def scales_for(settings: Settings) -> Scales:
    """The features to cluster, each with what evens it out.

    Raises:
        SettingsError: a feature that docs/features.md does not know.
    """
    known = {each.name: each.scale for each in known_features(settings)}
    unknown = [name for name in settings.segments.features if name not in known]
    if unknown:
        raise SettingsError(f"segments.features: {', '.join(unknown)} is no feature; these are: {', '.join(known)}")
    return {name: known[name] for name in settings.segments.features}


def candidates(chosen: SegmentsSettings, transform: Transform) -> list[Candidate]:
    """What is tried under ``transform``."""
    return [
        Candidate(algorithm, k, transform, chosen.seed, chosen.starts, chosen.iterations)
        for algorithm, k in product(chosen.algorithms, chosen.ks)
    ]


def sweep(
    rows: DataFrame, scales: Scales, even: Preparation, chosen: SegmentsSettings, shared: Mapping[str, object]
) -> list[Tried]:
    """Every candidate in a nested run of its own, which logs the ``shared`` parameters too."""
    tried = []
    for transform in chosen.transforms:
        preparation = fit_preparation(rows, transform, scales, chosen.pca_variance)
        prepared = with_prepared(rows, preparation).persist()
        try:
            sample = bounded_sample(prepared, chosen.seed, chosen.bootstrap_customers)
            space = Prepared(prepared, preparation, sample)
            tried += [tracked(space, even, candidate, chosen, shared) for candidate in candidates(chosen, transform)]
        finally:
            prepared.unpersist()
    return tried


def tracked(
    space: Prepared, even: Preparation, candidate: Candidate, chosen: SegmentsSettings, shared: Mapping[str, object]
) -> Tried:
    """Fit ``candidate`` and log everything about it in a nested run."""
    title = f"{candidate.algorithm.replace('_', ' ')}, {candidate.k} segments, {candidate.transform.replace('_', ' ')}"
    with mlflow.start_run(run_name=title, nested=True) as run:
        mlflow.log_params({**shared, **candidate.used, "silhouette_distance": SILHOUETTE_DISTANCE})
        started = time.monotonic()
        centres = fit_centres(space.rows, candidate)
        seconds = time.monotonic() - started
        clustered = with_cluster(space.rows, centres).persist()
        try:
            metrics = clustering_metrics(clustered, candidate.k)
            metrics["common_silhouette"] = common_silhouette(clustered, even, metrics["silhouette"], space.preparation)
            known = clustered.where(F.col(PLANTED).isNotNull())
            metrics["planted_ari"] = ari_of(known, PLANTED, "prediction")
            profiles = cluster_profiles(clustered, candidate.k, even)
        finally:
            clustered.unpersist()
        metrics["bootstrap_ari"] = bootstrap_ari(space.sample, centres, candidate, chosen.bootstrap_rounds)
        metrics["fit_seconds"], metrics["seconds"] = seconds, time.monotonic() - started
        place = standing(metrics, candidate.k, chosen.smallest_share, chosen.stability)
        log_values(metrics)
        mlflow.set_tags({"standing": place.reason, "passes": str(place.passes).lower()})
        model = model_of(space.preparation, centres, profiles, chosen)
        log_result(
            model, profiles, space.sample, title if metrics["planted_ari"] is None else f"{title}: synthetic customers"
        )
        return Tried(candidate, run.info.run_id, model, profiles, metrics, place)


def model_of(preparation: Preparation, centres: Centres, profiles: Profiles, chosen: SegmentsSettings) -> SegmentModel:
    """The model that a run of the sweep comes to."""
    return SegmentModel(
        preparation=preparation,
        centres=centres,
        names=profiles.names,
        feature_window_days=chosen.window_days,
        active_day_bytes=chosen.active_day_bytes,
        min_active_days=chosen.min_active_days,
    )


def log_result(model: SegmentModel, profiles: Profiles, sample: Floats, title: str) -> None:
    """Log the model, its centres as a table, and the pictures."""
    mlflow.log_text(model.to_json(), MODEL_ARTIFACT)
    mlflow.log_table(profiles.centres_table(), CENTRES_ARTIFACT)
    number, _ = model.centres.nearest(sample)
    mlflow.log_figure(plots.profile_heat_map(profiles, title), "profiles.png")
    mlflow.log_figure(plots.sizes_plot(profiles, title), "sizes.png")
    mlflow.log_figure(plots.projection_plot(sample, number, model.names, title), "projection.png")


def common_silhouette(
    clustered: DataFrame, even: Preparation, own: float | None, preparation: Preparation
) -> float | None:
    """Silhouette in the space of ``even``; ``own`` is that of ``preparation``, None where all are in one cluster.

    Silhouettes of different spaces say nothing about each other: fewer axes make greater ones.
    """
    if own is None or preparation == even:
        return own
    return silhouette(with_prepared(clustered.drop(PREPARED), even))


def ranked(tried: Sequence[Tried], margin: float) -> tuple[Tried, ...]:
    """``tried``, the best first."""
    return tuple(tried[at] for at in ranking([each.standing for each in tried], margin))


def check_passing(tried: Sequence[Tried]) -> None:
    """Refuse a sweep, the best first, of which nothing passes.

    Raises:
        NoSegmentsError: all are refused.
    """
    if not tried[0].standing.passes:
        reasons = "; ".join(sorted({each.standing.reason for each in tried})[:3])
        raise NoSegmentsError(f"no clustering of the sweep divides the customers: {reasons}. Try other segments.*")


def ranking_table(tried: Sequence[Tried]) -> dict[str, list[object]]:
    """The sweep as a table, the best first."""
    rows = [
        {
            "rank": rank,
            "run_id": each.run_id,
            "algorithm": each.candidate.algorithm,
            "k": each.candidate.k,
            "transform": each.candidate.transform,
            **each.metrics,
            "standing": each.standing.reason,
        }
        for rank, each in enumerate(tried, start=1)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}
