"""What training, assigning and comparing share: features of a date, registered models, and their answers."""

from collections.abc import Sequence
from datetime import date
from typing import Final, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.classify.categories import load_categories
from telflow.customers.features import Feature, customer_features, features_for
from telflow.segments.fit import with_segment
from telflow.segments.model import SegmentModel
from telflow.settings import Settings
from telflow.tracking import check_columns, load_version, raw_model

TARGET: Final = "segments"
MODULES: Final = ("telflow.segments.model", "telflow.errors", "telflow.scales")
MODEL_ARTIFACT: Final = "segments.json"


def load_segments(name: str, version: str | None = None) -> tuple[SegmentModel, str]:
    """The registered model ``name`` and its version: the one asked for, else the champion."""
    loaded, found = load_version(name, version)
    return cast(SegmentModel, raw_model(loaded)), found


def categories_of(settings: Settings) -> list[str]:
    """All reviewed categories."""
    return list(load_categories(settings.classify.categories).meanings)


def known_features(settings: Settings) -> tuple[Feature, ...]:
    """The features of docs/features.md, with a share of each reviewed category."""
    return features_for(categories_of(settings))


def features_of(
    daily: DataFrame, settings: Settings, as_of: date, window_days: int, active_day_bytes: int
) -> DataFrame:
    """``customer_features`` with the shares of all reviewed categories."""
    return customer_features(daily, as_of, window_days, categories_of(settings), active_day_bytes)


def days_told(days: int, window_days: int, as_of: date) -> list[str]:
    """A line on a window of which only ``days`` are there, for a reader; none where all are."""
    if days == window_days:
        return []
    return [f"  only {days} of the {window_days} days before {as_of} are there: shares and means are of these"]


def count_too_few(
    daily: DataFrame, settings: Settings, as_of: date, *, window_days: int, active_day_bytes: int, min_active_days: int
) -> int:
    """Customers with an active day in the window, but fewer than ``min_active_days``: they are in no segment."""
    features = features_of(daily, settings, as_of, window_days, active_day_bytes)
    return features.where(F.col("active_days") < min_active_days).count()


def answers_of(
    daily: DataFrame, settings: Settings, as_of: date, model: SegmentModel, called: str, *, more: Sequence[str] = ()
) -> DataFrame:
    """Segment of each customer with enough active days, from features of the model's own window.

    Args:
        daily: rows of CUSTOMER_DAILY.
        settings: for the reviewed categories.
        as_of: local day after the last one looked at.
        model: what answers.
        called: what the model is called, for an error.
        more: further features to tell, of the same window.

    Returns:
        ``customer``, ``as_of``, ``active_days``, the model's features, ``more``, and ``segment`` (string),
        ``segment_number`` (int) and ``distance`` (double).

    Raises:
        ModelInputError: the model looks at a feature that is no more.
    """
    features = features_of(daily, settings, as_of, model.feature_window_days, model.active_day_bytes)
    check_columns(called, model.preparation.features, features.columns)
    enough = features.where(F.col("active_days") >= model.min_active_days)
    wanted = dict.fromkeys(["customer", "as_of", "active_days", *model.preparation.features, *more])
    return with_segment(enough.select(*wanted), model)
