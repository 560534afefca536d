"""Churn tables from the lake: features and labels of several dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn.features import churn_features, with_label
from telflow.customers.daily import DaysHeld, days_held
from telflow.errors import AsOfError, TrainingDataError
from telflow.lake import Lake
from telflow.settings import ChurnSettings
from telflow.tables import (
    CHURN_EVENTS,
    COMPLAINTS,
    CUSTOMER_DAILY,
    SUBSCRIBERS,
    Table,
)

TARGET: Final = "churn"
TABLES: Final = (CUSTOMER_DAILY, SUBSCRIBERS, CHURN_EVENTS, COMPLAINTS)
MOST_UNKNOWN: Final = 0.1  # of those who left: with more of them missing, the others are no fair picture


@dataclass(frozen=True)
class Sources:
    """The tables that features and labels come from, each in one version.

    Attributes:
        daily: rows of CUSTOMER_DAILY.
        subscribers: rows of SUBSCRIBERS.
        churn_events: rows of CHURN_EVENTS.
        complaints: rows of COMPLAINTS.
        versions: of the tables, by name; one that is not there has none.
        held: first and last day of ``daily``.
    """

    daily: DataFrame
    subscribers: DataFrame
    churn_events: DataFrame
    complaints: DataFrame
    versions: Mapping[str, int]
    held: DaysHeld

    def features(self, dates: Sequence[date], history_days: int) -> DataFrame:
        """``churn_features`` of everybody subscribed on each of ``dates``, a row each."""
        return churn_features(
            self.daily,
            self.subscribers,
            self.churn_events,
            self.complaints,
            dates,
            history_days=history_days,
            lake_start=self.held.first,
        )

    def labelled(self, dates: Sequence[date], settings: ChurnSettings) -> DataFrame:
        """The same with ``label``."""
        return with_label(self.features(dates, settings.history_days), self.churn_events, settings.label_days)


def read_sources(lake: Lake, versions: Mapping[str, int] | None = None) -> Sources:
    """The tables of ``lake``; nobody complained, or left, where the provider delivers no such table.

    Args:
        lake: needs customer_daily and subscribers.
        versions: of the tables by name, as a run logged them; when None, the newest.

    Raises:
        TableMissingError: one of the two is not there, or a version is held no more.
        AsOfError: customer_daily holds no day.
    """
    fixed = versions or {table.name: lake.version(table) for table in TABLES if lake.exists(table)}

    def read(table: Table) -> DataFrame:
        is_optional = table in (CHURN_EVENTS, COMPLAINTS) and table.name not in fixed
        return lake.spark.createDataFrame([], table.schema) if is_optional else lake.read(table, fixed.get(table.name))

    daily = read(CUSTOMER_DAILY)
    held = days_held(daily)
    if held is None:
        raise AsOfError("customer_daily holds no day: run jobs/run_pipeline.py over some flow files first")
    return Sources(daily, read(SUBSCRIBERS), read(CHURN_EVENTS), read(COMPLAINTS), fixed, held)


def labels_until(sources: Sources, settings: ChurnSettings) -> date:
    """Last local day of which is known who left on it.

    Raises:
        TrainingDataError: churn_events holds nobody.
    """
    told = settings.events_until
    last = date.fromisoformat(told) if told else sources.churn_events.agg(F.max("churn_date")).collect()[0][0]
    if last is None:
        raise TrainingDataError(
            "churn_events holds nobody who left, there is nothing to learn from: load the provider's"
        )
    return min(last, sources.held.last)


def check_leavers(sources: Sources, first: date) -> None:
    """Refuse sources in which those who left from ``first`` on are no subscribers: they could not be learned from.

    Raises:
        TrainingDataError: more than MOST_UNKNOWN of them are missing.
    """
    left = sources.churn_events.where(F.col("churn_date") >= F.lit(first)).select("customer").distinct()
    known = left.join(sources.subscribers.select("customer").distinct(), on="customer", how="left_semi")
    leaving, found = left.count(), known.count()
    if leaving - found > MOST_UNKNOWN * leaving:
        raise TrainingDataError(
            f"{leaving - found} of {leaving} customers who left since {first} are not in subscribers: "
            "deliver those who left as well as those who are there"
        )
