"""Training: a sweep over algorithm, number of segments and transform, each a nested run of one parent in MLflow."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Final, cast

import mlflow
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.classify.categories import load_categories
from telflow.customers.daily import days_held
from telflow.customers.features import customer_features, features_for
from telflow.errors import NoSegmentsError, SettingsError
from telflow.lake import Lake
from telflow.progress import progress
from telflow.segments import plots
from telflow.segments.fit import (
    PREPARED,
    Candidate,
    Scales,
    fit_centres,
    fit_preparation,
    in_stable_order,
    with_cluster,
    with_prepared,
    with_segment,
)
from telflow.segments.metrics import (
    SILHOUETTE_DISTANCE,
    ari_of,
    bootstrap_ari,
    bounded_sample,
    clustering_metrics,
    silhouette,
)
from telflow.segments.model import Centres, Floats, Preparation, SegmentModel, write_model
from telflow.segments.profile import Profiles, cluster_profiles
from telflow.segments.ranking import Standing, best, standing
from telflow.settings import Algorithm, SegmentsSettings, Settings, Transform
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from telflow.tracking import (
    Contest,
    champion_version,
    load_version,
    log_plain_model,
    log_source,
    log_values,
    model_name,
    open_experiment,
    raw_model,
    settle,
)

TARGET: Final = "segments"
LOADER: Final = "telflow.segments.model"
MODEL_ARTIFACT: Final = "segments.json"
CENTRES_ARTIFACT: Final = "centres.json"
EXAMPLE_ROWS: Final = 5
PLANTED: Final = "planted"

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Tried:
    """One run of the sweep.

    Attributes:
        candidate: what was fitted.
        run_id: its run in MLflow.
        model: what came out.
        metrics: by name, as logged.
        standing: where it stands among the others.
    """

    candidate: Candidate
    run_id: str
    model: SegmentModel
    metrics: Metrics
    standing: Standing


@dataclass(frozen=True)
class TrainReport:
    """What a sweep found.

    Attributes:
        as_of: local day after the last one looked at.
        source_version: version of customer_daily that was read.
        customers: with enough active days.
        is_synthetic: whether the lake holds a planted truth.
        run_id: the parent run.
        tried: all runs, the best first.
        model: name of the registered model.
        version: version of the winner.
        is_champion: whether it holds the alias now.
        reason: why, in words.
    """

    as_of: date
    source_version: int
    customers: int
    is_synthetic: bool
    run_id: str
    tried: tuple[Tried, ...]
    model: str
    version: str
    is_champion: bool
    reason: str


@dataclass(frozen=True)
class Prepared:
    """Customers in the space of one transform, and a bounded sample of them."""

    rows: DataFrame
    preparation: Preparation
    sample: Floats


def train_segments(
    lake: Lake, settings: Settings, as_of: date | None = None, source_version: int | None = None
) -> TrainReport:
    """Run the sweep, register its winner, and move the alias champion if it is better by the margin.

    Args:
        lake: needs customer_daily; a planted truth, where there is one, is compared with.
        settings: ``segments`` says what is swept; ``mlflow`` where it is tracked.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        source_version: version of customer_daily to read; when None, the newest.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
        NoSegmentsError: too few customers, or every clustering is refused.
        SettingsError: a feature that docs/features.md does not know.
    """
    chosen, scales = settings.segments, scales_for(settings)
    version = lake.version(CUSTOMER_DAILY) if source_version is None else source_version
    rows, as_of = training_rows(lake, settings, as_of, version)
    try:
        customers = check_enough(rows, chosen, as_of)
        open_experiment(settings.mlflow, TARGET)
        with mlflow.start_run(run_name=f"segments as of {as_of}") as parent:
            log_source(lake, CUSTOMER_DAILY, read={CUSTOMER_DAILY.name: version})
            mlflow.log_params(parameters(chosen, as_of, version))
            with progress(lake.spark, "segments"):
                tried = ranked(sweep(rows, scales, chosen, as_of, version))
            mlflow.log_table(ranking_table(tried), "ranking.json")
            name, version_made, contest = register(rows, tried, settings)
            is_champion = settle(name, version_made, contest)
            return TrainReport(
                as_of=as_of,
                source_version=version,
                customers=customers,
                is_synthetic=lake.exists(TRUTH_CUSTOMERS),
                run_id=parent.info.run_id,
                tried=tried,
                model=name,
                version=version_made,
                is_champion=is_champion,
                reason=contest.reason,
            )
    finally:
        rows.unpersist()


def training_rows(
    lake: Lake, settings: Settings, as_of: date | None = None, source_version: int | None = None
) -> tuple[DataFrame, date]:
    """Features of the customers with enough active days, in stable order, cached; and ``as_of``.

    Returns:
        ``customer``, ``as_of``, all features, and ``planted`` (string): the planted segment, null where none is known.
    """
    chosen = settings.segments
    daily = lake.read(CUSTOMER_DAILY, source_version)
    as_of = as_of or day_after_last(daily)
    features = features_of(daily, settings, as_of, chosen.window_days, chosen.active_day_bytes)
    enough = features.where(F.col("active_days") >= chosen.min_active_days)
    planted = F.lit(None).cast("string")
    if lake.exists(TRUTH_CUSTOMERS):
        truth = lake.read(TRUTH_CUSTOMERS).select("customer", F.col("segment").alias(PLANTED))
        told = enough.join(truth, on="customer", how="left")
    else:
        told = enough.withColumn(PLANTED, planted)
    cached = told.persist()
    partitions = max(-(-cached.count() // chosen.rows_per_partition), 1)
    ordered = in_stable_order(cached, partitions).persist()
    ordered.count()
    cached.unpersist()
    return ordered, as_of


def features_of(
    daily: DataFrame, settings: Settings, as_of: date, window_days: int, active_day_bytes: int
) -> DataFrame:
    """``customer_features`` with the shares of all reviewed categories."""
    categories = list(load_categories(settings.classify.categories).meanings)
    return customer_features(daily, as_of, window_days, categories, active_day_bytes)


def day_after_last(daily: DataFrame) -> date:
    """The day after the last one of ``daily``.

    Raises:
        NoSegmentsError: there is none.
    """
    held = days_held(daily)
    if held is None:
        raise NoSegmentsError("customer_daily holds no day: nobody to divide into segments")
    return held.last + timedelta(days=1)


def check_enough(rows: DataFrame, chosen: SegmentsSettings, as_of: date) -> int:
    """Number of customers in ``rows``.

    Raises:
        NoSegmentsError: fewer than two for each of the segments asked for.
    """
    customers, asked = rows.count(), max(chosen.ks)
    if customers < 2 * asked:
        raise NoSegmentsError(
            f"only {customers} customers have {chosen.min_active_days} active days in the {chosen.window_days} days "
            f"before {as_of}: too few for {asked} segments; choose another --as-of, or lower segments.ks"
        )
    return customers


def scales_for(settings: Settings) -> Scales:
    """The features to cluster, each with what evens it out.

    Raises:
        SettingsError: a feature that docs/features.md does not know.
    """
    known = {
        each.name: each.scale for each in features_for(list(load_categories(settings.classify.categories).meanings))
    }
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


def sweep(rows: DataFrame, scales: Scales, chosen: SegmentsSettings, as_of: date, source_version: int) -> list[Tried]:
    """Every candidate in a nested run of its own."""
    even = fit_preparation(rows, "log_standard", scales, chosen.pca_variance)
    tried = []
    for transform in chosen.transforms:
        preparation = fit_preparation(rows, transform, scales, chosen.pca_variance)
        prepared = with_prepared(rows, preparation).persist()
        try:
            sample = bounded_sample(prepared, chosen.seed, chosen.bootstrap_customers)
            space = Prepared(prepared, preparation, sample)
            tried += [
                tracked(space, even, candidate, chosen, parameters(chosen, as_of, source_version))
                for candidate in candidates(chosen, transform)
            ]
        finally:
            prepared.unpersist()
    return tried


def tracked(
    space: Prepared, even: Preparation, candidate: Candidate, chosen: SegmentsSettings, told: Mapping[str, object]
) -> Tried:
    """Fit ``candidate`` and log everything about it in a nested run."""
    title = f"{candidate.algorithm.replace('_', ' ')}, {candidate.k} segments, {candidate.transform.replace('_', ' ')}"
    with mlflow.start_run(run_name=title, nested=True) as run:
        mlflow.log_params({**told, **asdict(candidate), "silhouette_distance": SILHOUETTE_DISTANCE})
        started = time.monotonic()
        centres = fit_centres(space.rows, candidate)
        seconds = time.monotonic() - started
        clustered = with_cluster(space.rows, centres).persist()
        try:
            metrics = clustering_metrics(clustered, candidate.k)
            known = clustered.where(F.col(PLANTED).isNotNull())
            metrics["planted_ari"] = ari_of(known, PLANTED, "prediction")
            profiles = cluster_profiles(clustered, candidate.k, even)
        finally:
            clustered.unpersist()
        metrics["bootstrap_ari"] = bootstrap_ari(space.sample, centres, candidate, chosen.bootstrap_rounds)
        metrics["fit_seconds"], metrics["seconds"] = seconds, time.monotonic() - started
        place = standing(metrics, chosen.smallest_share, chosen.stability)
        log_values(metrics)
        mlflow.set_tags({"standing": place.reason, "passes": str(place.passes).lower()})
        model = model_of(space.preparation, centres, profiles, chosen)
        log_result(
            model, profiles, space.sample, title if metrics["planted_ari"] is None else f"{title}: synthetic customers"
        )
        return Tried(candidate, run.info.run_id, model, metrics, place)


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


def ranked(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """``tried``, the best first.

    Raises:
        NoSegmentsError: all are refused.
    """
    if best([each.standing for each in tried]) is None:
        reasons = "; ".join(sorted({each.standing.reason for each in tried})[:3])
        raise NoSegmentsError(f"no clustering of the sweep divides the customers: {reasons}. Try other segments.*")
    return tuple(sorted(tried, key=lambda each: each.standing.order, reverse=True))


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


def register(rows: DataFrame, tried: Sequence[Tried], settings: Settings) -> tuple[str, str, Contest]:
    """Register the best of ``tried`` and measure it beside the champion: model, version, contest."""
    winner, name = tried[0], model_name(settings.mlflow, TARGET)
    rival = champion_version(name)
    features = list(winner.model.preparation.features)
    example = rows.select(*features).limit(EXAMPLE_ROWS).toPandas()
    with mlflow.start_run(run_id=winner.run_id, nested=True), tempfile.TemporaryDirectory() as folder:
        write_model(winner.model, Path(folder))
        version = log_plain_model(Path(folder), LOADER, example, winner.model.predict(example), name)
    champion = None if rival is None else cast(SegmentModel, raw_model(load_version(name, rival)[0]))
    return name, cast(str, version), contest_of(rows, winner.model, champion, settings)


def contest_of(rows: DataFrame, challenger: SegmentModel, champion: SegmentModel | None, settings: Settings) -> Contest:
    """Silhouettes of both on the same customers, in one space: that of evened-out, standardised features.

    Silhouettes of different spaces say nothing about each other: fewer axes make greater ones.
    """
    even = fit_preparation(rows, "log_standard", scales_for(settings), settings.segments.pca_variance)
    space = with_prepared(rows, even).persist()
    try:
        values = [None if model is None else common_silhouette(space, model) for model in (challenger, champion)]
    finally:
        space.unpersist()
    return Contest("silhouette", values[0] or 0.0, values[1], settings.segments.margin)


def common_silhouette(space: DataFrame, model: SegmentModel) -> float | None:
    """Silhouette of the segments of ``model`` in ``prepared``; None where it knows other features, or one segment."""
    if not set(model.preparation.features) <= set(space.columns):
        return None
    answered = with_segment(space.drop(PREPARED), model).select("customer", "segment_number")
    clustered = space.join(answered, on="customer", how="inner").withColumnRenamed("segment_number", "prediction")
    segments = clustered.agg(F.count_distinct("prediction")).collect()[0][0]
    return silhouette(clustered) if segments > 1 else None


def parameters(chosen: SegmentsSettings, as_of: date, source_version: int) -> dict[str, object]:
    """What a run needs to be told again, of what is the same for the whole sweep."""
    shared = chosen.model_dump(exclude={"algorithms", "ks", "transforms", "seed", "starts", "iterations", "features"})
    return {
        **shared,
        "features": ",".join(chosen.features),
        "as_of": as_of.isoformat(),
        "source_version": source_version,
    }


def refit(lake: Lake, settings: Settings, told: Mapping[str, str]) -> Centres:
    """Centres fitted once more from the parameters that a run logged, and the version of the table that it read.

    Args:
        lake: the lake that the run read.
        settings: for everything that no run depends on.
        told: parameters of a run of the sweep, as MLflow has them.
    """
    own = {key: told[key] for key in SegmentsSettings.model_fields if key in told and key != "features"}
    typed = {key: type(getattr(settings.segments, key))(value) for key, value in own.items()}
    sections = settings.segments.model_copy(update={**typed, "features": tuple(told["features"].split(","))})
    again = settings.model_copy(update={"segments": sections})
    rows, _ = training_rows(lake, again, date.fromisoformat(told["as_of"]), int(told["source_version"]))
    try:
        transform = cast(Transform, told["transform"])
        preparation = fit_preparation(rows, transform, scales_for(again), sections.pca_variance)
        algorithm = cast(Algorithm, told["algorithm"])
        candidate = Candidate(algorithm, int(told["k"]), transform, sections.seed, sections.starts, sections.iterations)
        return fit_centres(with_prepared(rows, preparation), candidate)
    finally:
        rows.unpersist()
