"""Training: a sweep over algorithm, number of segments and transform, each a nested run of one parent in MLflow."""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Final

import mlflow
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.customers.features import as_of_day
from telflow.errors import ModelInputError, ModelMissingError, NoSegmentsError, SettingsError
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
from telflow.segments.inputs import (
    MODEL_ARTIFACT,
    MODULES,
    TARGET,
    answers_of,
    count_too_few,
    features_of,
    known_features,
    load_segments,
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
from telflow.segments.ranking import Standing, best_silhouette, ranking, standing
from telflow.settings import SegmentsSettings, Settings, Transform
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from telflow.tracking import (
    CENTRES_ARTIFACT,
    Contest,
    as_logged,
    as_parameters,
    champion_version,
    log_plain_model,
    log_source,
    log_values,
    model_name,
    open_experiment,
    open_tracking,
    run_again,
    run_data,
    settle,
)

SWEPT: Final = {"algorithms", "ks", "transforms", "seed", "starts", "iterations"}  # what the runs of a sweep differ in
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
    lake: Lake,
    settings: Settings,
    as_of: date | None = None,
    source_version: int | None = None,
    *,
    again: str | None = None,
    promote: bool = False,
) -> TrainReport:
    """Run the sweep, register its winner, and move the alias champion if it is better by the margin.

    Args:
        lake: needs customer_daily; a planted truth, where there is one, is compared with.
        settings: ``segments`` says what is swept; ``mlflow`` where it is tracked.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        source_version: version of customer_daily to read; when None, the newest.
        again: a run to be run once more, a sweep or one clustering of it: by the settings that it logged, on its day
            and its version of customer_daily; the model becomes champion by ``promote`` alone.
        promote: move the alias whatever the comparison says.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
        AsOfError: it holds no day before ``as_of``, or ends long before.
        NoSegmentsError: too few customers, or every clustering is refused.
        SettingsError: a feature that docs/features.md does not know.
        ModelMissingError: there is no run ``again``, or it is none of a sweep.
        TrackingError: MLflow does not tell who is champion.
    """
    if again is not None:
        settings, as_of, source_version = as_run(settings, again)
    chosen, scales = settings.segments, scales_for(settings)
    version = lake.version(CUSTOMER_DAILY) if source_version is None else source_version
    rows, as_of = training_rows(lake, settings, as_of, version)
    try:
        customers = check_enough(rows, chosen, as_of)
        open_experiment(settings.mlflow, TARGET)
        with mlflow.start_run(run_name=f"segments as of {as_of}") as parent:
            log_source(lake, CUSTOMER_DAILY, read={CUSTOMER_DAILY.name: version})
            log_sweep(lake.read(CUSTOMER_DAILY, version), settings, as_of, version, customers)
            even = fit_preparation(rows, "log_standard", scales, chosen.pca_variance)
            with progress(lake.spark, "segments"):
                tried = ranked(sweep(rows, scales, even, chosen, parameters(chosen, as_of, version)), chosen.margin)
            mlflow.log_table(ranking_table(tried), "ranking.json")
            check_passing(tried)
            name = model_name(settings.mlflow, TARGET)
            daily = lake.read(CUSTOMER_DAILY, version)
            contest = contest_of(with_prepared(rows, even), daily, as_of, tried, settings)
            if again is not None:
                mlflow.set_tag("again", again)
                contest = replace(contest, obstacle=run_again(again))
            made = register(tried[0], name)
            is_champion = settle(name, made, contest, promote=promote)
            return TrainReport(
                as_of=as_of,
                source_version=version,
                customers=customers,
                is_synthetic=lake.exists(TRUTH_CUSTOMERS),
                run_id=parent.info.run_id,
                tried=tried,
                model=name,
                version=made,
                is_champion=is_champion,
                reason=contest.reason,
            )
    finally:
        rows.unpersist()


def log_sweep(daily: DataFrame, settings: Settings, as_of: date, version: int, customers: int) -> None:
    """Log what the sweep is, and of how many customers it tells, on the parent."""
    chosen = settings.segments
    sweep = as_parameters(chosen, set(SegmentsSettings.model_fields) - SWEPT)
    mlflow.log_params({**parameters(chosen, as_of, version), **sweep})
    too_few = count_too_few(
        daily,
        settings,
        as_of,
        window_days=chosen.window_days,
        active_day_bytes=chosen.active_day_bytes,
        min_active_days=chosen.min_active_days,
    )
    mlflow.log_metrics({"customers": float(customers), "customers_with_too_few_days": float(too_few)})


def training_rows(
    lake: Lake, settings: Settings, as_of: date | None = None, source_version: int | None = None
) -> tuple[DataFrame, date]:
    """Features of the customers with enough active days, in stable order, cached; and ``as_of``.

    Returns:
        ``customer``, ``as_of``, all features, and ``planted`` (string): the planted segment, null where none is known.
    """
    chosen = settings.segments
    daily = lake.read(CUSTOMER_DAILY, source_version)
    as_of = as_of_day(daily, as_of)
    features = features_of(daily, settings, as_of, chosen.window_days, chosen.active_day_bytes)
    enough = features.where(F.col("active_days") >= chosen.min_active_days)
    truth = lake.read_or_empty(TRUTH_CUSTOMERS).select("customer", F.col("segment").alias(PLANTED))
    cached = enough.join(truth, on="customer", how="left").persist()
    partitions = max(-(-cached.count() // chosen.rows_per_partition), 1)
    ordered = in_stable_order(cached, partitions).persist()
    ordered.count()
    cached.unpersist()
    return ordered, as_of


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


def register(winner: Tried, name: str) -> str:
    """Register the model of ``winner``; its version. Its example is nobody's row: the means of each segment."""
    example = pd.DataFrame(winner.profiles.means, columns=list(winner.profiles.features))
    with mlflow.start_run(run_id=winner.run_id, nested=True), tempfile.TemporaryDirectory() as folder:
        write_model(winner.model, Path(folder))
        return log_plain_model(Path(folder), MODULES, example, winner.model.predict(example), name)


def common_silhouette(
    clustered: DataFrame, even: Preparation, own: float | None, preparation: Preparation
) -> float | None:
    """Silhouette in the space of ``even``; ``own`` is that of ``preparation``, None where all are in one cluster.

    Silhouettes of different spaces say nothing about each other: fewer axes make greater ones.
    """
    if own is None or preparation == even:
        return own
    return silhouette(with_prepared(clustered.drop(PREPARED), even))


def contest_of(rows: DataFrame, daily: DataFrame, as_of: date, tried: Sequence[Tried], settings: Settings) -> Contest:
    """The winner of a sweep beside the champion, each as it would be used, on the customers whom both answer.

    Of clusterings within the margin of the best silhouette the finer one wins (``ranking``). So that it does not lose
    what the best one would have won, its value is that of the best one, as long as it is itself above the champion's.

    Args:
        rows: features of the customers, and ``prepared``: them evened out and standardised, which both are measured in.
        daily: rows of CUSTOMER_DAILY that they come from.
        as_of: their date.
        tried: the sweep, the winner first.
        settings: ``segments`` has the margin, ``mlflow`` names the registered model.
    """
    name = model_name(settings.mlflow, TARGET)
    margin = settings.segments.margin
    winner = tried[0]
    own = winner.metrics["common_silhouette"] or 0.0
    holder = champion_version(name)
    if not winner.standing.is_stable:
        return Contest("silhouette", own, None, margin, f"{winner.standing.reason}: no champion without --promote")
    if holder is None:
        return Contest("silhouette", own, None, margin)
    try:
        champion, _ = load_segments(name, holder)
        theirs = answers_of(daily, settings, as_of, champion, f"{name} version {holder}")
        ours, held = common_silhouettes(rows, winner.model, theirs)
        best = best_silhouette([each.standing for each in tried])
        if not best or ours <= held:
            return Contest("silhouette", ours, held, margin)
        greatest, _ = common_silhouettes(rows, tried[best].model, theirs)
        remark = f"of {tried[best].candidate.k} segments; {winner.candidate.k} have {ours:.4f} and say more"
        return Contest("silhouette", max(ours, greatest), held, margin, remark=remark)
    except (ModelInputError, ModelMissingError, NoSegmentsError) as error:
        obstacle = f"not measured beside the champion, version {holder}: {error}; --promote replaces it all the same"
        return Contest("silhouette", own, None, margin, obstacle)


def common_silhouettes(rows: DataFrame, model: SegmentModel, theirs: DataFrame) -> tuple[float, float]:
    """Silhouette of the answers of ``model`` and of ``theirs``, on the customers in both.

    Raises:
        NoSegmentsError: one of them puts these customers in one segment.
    """
    ours = with_segment(rows.drop(PREPARED), model).select("customer", F.col("segment_number").alias("ours"))
    both = (
        rows.join(ours, on="customer", how="inner")
        .join(theirs.select("customer", F.col("segment_number").alias("theirs")), on="customer", how="inner")
        .persist()
    )
    try:
        return silhouette_by(both, "ours"), silhouette_by(both, "theirs")
    finally:
        both.unpersist()


def silhouette_by(rows: DataFrame, side: str) -> float:
    """Silhouette of the segments in column ``side``."""
    if rows.select(side).distinct().count() < 2:
        raise NoSegmentsError(f"{rows.count()} customers are answered by both, one puts them all in one segment")
    return silhouette(rows.withColumnRenamed(side, "prediction"))


def parameters(chosen: SegmentsSettings, as_of: date, source_version: int) -> dict[str, object]:
    """What a run needs to be told again, of what is the same for the whole sweep."""
    return {**as_parameters(chosen, SWEPT), "as_of": as_of.isoformat(), "source_version": source_version}


def as_run(settings: Settings, run_id: str) -> tuple[Settings, date, int]:
    """Settings, date and version of customer_daily that a run logged, of a sweep or of one clustering of it.

    Raises:
        ModelMissingError: there is no such run, or it is none of a sweep.
    """
    open_tracking(settings.mlflow)
    told = run_data(run_id).params
    if not {"as_of", "source_version"} <= set(told):
        raise ModelMissingError(f"run {run_id} is none of train_segments.py: name a sweep, or a run below one")
    one = {f"{name}s": f"[{json.dumps(told[name])}]" for name in ("algorithm", "transform") if name in told}
    one |= {"ks": f"[{told['k']}]"} if "k" in told else {}
    again = settings.model_copy(update={"segments": as_logged(settings.segments, {**told, **one})})
    return again, date.fromisoformat(told["as_of"]), int(told["source_version"])
