"""The contest: the winner of a sweep beside the champion, each as it would be used, on the customers both answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.errors import ModelInputError, ModelMissingError, NoSegmentsError
from telflow.segments.fit import PREPARED, with_segment
from telflow.segments.inputs import TARGET, answers_of, load_segments
from telflow.segments.metrics import silhouette
from telflow.segments.model import SegmentModel
from telflow.segments.ranking import best_silhouette
from telflow.segments.sweep import Tried
from telflow.settings import Settings
from telflow.tracking import Contest, champion_version, model_name

METRIC: Final = "silhouette"


def contest_of(rows: DataFrame, daily: DataFrame, as_of: date, tried: Sequence[Tried], settings: Settings) -> Contest:
    """The winner of a sweep beside the champion.

    Args:
        rows: features of the customers, and ``prepared``: them evened out and standardised, which both are measured in.
        daily: rows of CUSTOMER_DAILY that they come from.
        as_of: their date.
        tried: the sweep, the winner first.
        settings: ``segments`` has the margin, ``mlflow`` names the registered model.
    """
    name = model_name(settings.mlflow, TARGET)
    winner = tried[0]
    alone = Contest(METRIC, winner.metrics["common_silhouette"] or 0.0, None, settings.segments.margin)
    if not winner.standing.is_stable:
        return replace(alone, obstacle=f"{winner.standing.reason}: no champion without --promote")
    holder = champion_version(name)
    if holder is None:
        return alone
    try:
        champion, _ = load_segments(name, holder)
        theirs = answers_of(daily, settings, as_of, champion, f"{name} version {holder}")
        return measured(rows, theirs, tried, settings.segments.margin)
    except (ModelInputError, ModelMissingError, NoSegmentsError) as error:
        why = f"not measured beside the champion, version {holder}: {error}; --promote replaces it all the same"
        return replace(alone, obstacle=why)


def measured(rows: DataFrame, theirs: DataFrame, tried: Sequence[Tried], margin: float) -> Contest:
    """The winner beside the champion's answers ``theirs``.

    Of clusterings within the margin of the best silhouette the finer one wins (``ranking``). So that it does not lose
    what the best one would have won, its value is that of the best one, as long as it is itself above the champion's.

    Raises:
        NoSegmentsError: one of them puts the customers in one segment.
    """
    winner, best = tried[0], tried[best_silhouette([each.standing for each in tried]) or 0]
    ours, held = common_silhouettes(rows, winner.model, theirs)
    if best is winner or ours <= held:
        return Contest(METRIC, ours, held, margin)
    greatest, _ = common_silhouettes(rows, best.model, theirs)
    remark = f"of {best.candidate.k} segments; {winner.candidate.k} have {ours:.4f} and say more"
    return Contest(METRIC, max(ours, greatest), held, margin, remark=remark)


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
