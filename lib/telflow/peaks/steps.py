"""The step of the daily run that turns windows and the roll-up of customers into loads and peak times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.lake import Lake
from telflow.peaks.busy_hours import hour_by_weekday, peak_times
from telflow.peaks.clock import utc_days
from telflow.peaks.scope_load import scope_load, tier_load, tiers_by_score
from telflow.settings import Settings
from telflow.tables import (
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    HOUR_BY_WEEKDAY,
    PEAK_TIMES,
    SCOPE_LOAD,
    TRAFFIC_BY_WINDOW,
)


@dataclass(frozen=True)
class PeakReport:
    """What was built: the local days, and the months they lie in by their first day."""

    days: tuple[date, ...]
    months: tuple[date, ...]


def find_peak_times(lake: Lake, settings: Settings, local_days: Iterable[date]) -> PeakReport:
    """Rebuild scope_load and peak_times of ``local_days``, and peak_times and hour_by_weekday of their months.

    Reads traffic_by_window, and for the tiers customer_daily and customer_scores where they are there. Months are
    computed over the days of scope_load that exist so far. Running it twice is running it once.

    Raises:
        TableMissingError: traffic_by_window has not been written yet.
    """
    days = sorted(set(local_days))
    months = sorted({day.replace(day=1) for day in days})
    if not days:
        return PeakReport((), ())
    zone = settings.network.zone
    lake.replace_days(SCOPE_LOAD, load_of_days(lake, settings, days), days)

    of_months = lake.read(SCOPE_LOAD).where(F.trunc("local_date", "month").isin(months))
    is_asked = (F.col("period_kind") == "month") | F.col("period_start").isin(days)
    peaks = peak_times(of_months, zone).where(is_asked)
    lake.replace(PEAK_TIMES, peaks, f"{is_period('day', days)} OR {is_period('month', months)}")
    lake.replace_days(HOUR_BY_WEEKDAY, hour_by_weekday(of_months, zone), months)
    return PeakReport(tuple(days), tuple(months))


def load_of_days(lake: Lake, settings: Settings, days: list[date]) -> DataFrame:
    """Rows of scope_load of the local ``days``, tiers included where there are customers."""
    zone = settings.network.zone
    windows = lake.read(TRAFFIC_BY_WINDOW).where(F.col("event_date").isin(utc_days(days, zone)))
    load = scope_load(windows, zone, settings.peaks.window_seconds).where(F.col("local_date").isin(days))
    if not lake.exists(CUSTOMER_DAILY):
        return load
    customers = lake.read(CUSTOMER_DAILY).where(F.col("local_date").isin(days))
    tiers = tiers_by_score(lake.read_or_empty(CUSTOMER_SCORES))
    return load.unionByName(tier_load(customers, tiers, zone))


def is_period(kind: str, starts: list[date]) -> str:
    """SQL predicate on peak_times for the periods of ``kind`` that begin on ``starts``."""
    listed = ", ".join(f"DATE'{start}'" for start in starts)
    return f"(period_kind = '{kind}' AND period_start IN ({listed}))"
