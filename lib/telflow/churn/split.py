"""Which rows train and which are held out: by time on the lake, by stratified folds on a table without dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from telflow.errors import TrainingDataError

LEAST_FOLDS: Final = 3  # one held out, one that validates, and one to learn from
BUCKETS: Final = 16  # parallel parts of the numbering, so that no class goes through one task


@dataclass(frozen=True)
class Split:
    """What one model is trained on and what it is judged by.

    Attributes:
        training: rows with ``fold``, ``label`` and features.
        holdout: rows of the same columns that nothing was chosen by.
        validation_folds: folds of the training that are left out in turn to choose the threshold.
    """

    training: DataFrame
    holdout: DataFrame
    validation_folds: tuple[int, ...]


@dataclass(frozen=True)
class Dates:
    """The dates of a temporal split, each the ``as_of`` of one row a subscriber."""

    training: tuple[date, ...]
    holdout: tuple[date, ...]


def as_of_dates(
    first_day: date, last_day: date, *, label_days: int, step_days: int, least_history_days: int, most: int
) -> list[date]:
    """Dates whose whole label window has been seen and that have days of use behind them; newest last.

    Args:
        first_day: first local day of the roll-up.
        last_day: last local day of which is known who left.
        label_days: days of the label window, [as_of, as_of + label_days).
        step_days: days between two dates.
        least_history_days: days the earliest date needs behind it.
        most: so many dates at most.
    """
    newest = last_day + timedelta(days=1 - label_days)
    dates = [newest - timedelta(days=step_days * number) for number in range(most)]
    return sorted(day for day in dates if day >= first_day + timedelta(days=least_history_days))


def temporal_dates(dates: Sequence[date], *, label_days: int, holdout_share: float) -> Dates:
    """The last dates held out; trained on are those whose label window had closed on the first date held out.

    So everything the model learned from was known when the first prediction of the hold-out would have been made, and
    no day on which somebody of the hold-out leaves has been seen in training. The dates in between are not used.

    Raises:
        TrainingDataError: nothing is left to train on.
    """
    ordered = sorted(dates)
    held_out = ordered[len(ordered) - ceil(len(ordered) * holdout_share) :]
    closed_by = held_out[0] - timedelta(days=label_days) if held_out else None
    training = [day for day in ordered if closed_by is not None and day <= closed_by]
    if not training:
        raise TrainingDataError(
            f"customer_daily and churn_events allow {len(ordered)} as_of dates, none of them {label_days} days before "
            "those held out: wait for more days, make churn.label_days or churn.step_days smaller, or tell by "
            "churn.events_until how far churn_events go where nobody left of late"
        )
    return Dates(tuple(training), tuple(held_out))


def is_on(dates: Sequence[date]) -> Column:
    """Whether ``as_of`` is one of ``dates``."""
    return F.col("as_of").isin(list(dates))


def temporal_split(rows: DataFrame, dates: Dates, folds: int) -> Split:
    """``rows`` of the dates as training and hold-out; all folds of the training validate in turn."""
    return Split(rows.where(is_on(dates.training)), rows.where(is_on(dates.holdout)), tuple(range(folds)))


def fold_splits(rows: DataFrame, folds: int) -> list[Split]:
    """Each fold held out in turn; of the others the next one validates."""
    return [
        Split(rows.where(F.col("fold") != fold), rows.where(F.col("fold") == fold), ((fold + 1) % folds,))
        for fold in range(folds)
    ]


def with_fold(rows: DataFrame, folds: int, seed: int, known: Column | None = None) -> DataFrame:
    """Adds ``fold`` (int, 0 to ``folds`` - 1): all rows of a customer in one, and those who leave dealt out in turn.

    The folds of those who leave differ by one customer at most, and those of who stays likewise.

    Args:
        rows: ``customer`` and ``label``.
        folds: number of folds.
        seed: another seed, other folds.
        known: rows that folds are made by, so that the labels of others shape none; customers of others alone have a
            null for their fold. When None, all.
    """
    place = F.xxhash64("customer", F.lit(seed))
    customers = by_customer(rows if known is None else rows.where(known))
    bucketed = customers.select("customer", "leaves", place.alias("place"), F.pmod(place, BUCKETS).alias("bucket"))
    by_place = Window.partitionBy("leaves", "bucket").orderBy("place", "customer")
    earlier = Window.partitionBy("leaves").orderBy("bucket").rowsBetween(Window.unboundedPreceding, -1)
    starts = (
        bucketed.groupBy("leaves", "bucket")
        .agg(F.count(F.lit(1)).alias("held"))
        .select("leaves", "bucket", F.coalesce(F.sum("held").over(earlier), F.lit(0)).alias("start"))
    )
    number = F.col("start") + F.row_number().over(by_place)
    numbered = bucketed.join(F.broadcast(starts), on=["leaves", "bucket"], how="inner").select(
        "customer", F.pmod(number, F.lit(folds)).cast("int").alias("fold")
    )
    return rows.join(numbered, on="customer", how="left")


def by_customer(rows: DataFrame) -> DataFrame:
    """``customer`` and ``leaves`` (int, 1 where one of the rows says so)."""
    return rows.groupBy("customer").agg(F.max("label").alias("leaves"))


def check_folds(rows: DataFrame, folds: int, what: str) -> None:
    """Refuse rows of which some fold would hold nobody who left, or nobody who stayed.

    Args:
        rows: ``customer`` and ``label``.
        folds: number of folds.
        what: what the rows are, for the error.

    Raises:
        TrainingDataError: so it is.
    """
    leaves = F.col("leaves") == 1
    left, stayed = by_customer(rows).agg(F.count_if(leaves), F.count_if(~leaves)).collect()[0]
    if min(left, stayed) < folds:
        raise TrainingDataError(
            f"{what} tells of {left:,} customers who left and {stayed:,} who stayed, and each of {folds} folds needs "
            f"one of either: lower churn.folds, to {LEAST_FOLDS} at least, or bring a larger table"
        )
