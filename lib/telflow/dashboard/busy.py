"""Busy hours of any choice of days, by the rules of the table peak_times (ITU-T E.600 names ADPH and TCBH).

Days are those of a zone, those of 23 and 25 hours included. A sample in which nothing was seen is a load of zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

HOUR_SECONDS = 3600
DAY_HOURS = 24


@dataclass(frozen=True)
class Peaks:
    """How busy a scope is.

    Attributes:
        busy_start: start of the 60 minutes of greatest load, local time.
        busy_bytes: bytes in them.
        adph_bytes: mean over days of each day's own busy-hour bytes.
        tcbh_minute: start of the time-consistent busy hour, minutes on the local clock.
        tcbh_bytes: mean over days of the bytes in that clock hour.
        p95_bits: samples from the greatest down, the top 5 % dropped, the next one; bits a second.
        mean_bits: mean of the samples, bits a second.
    """

    busy_start: datetime
    busy_bytes: int
    adph_bytes: float
    tcbh_minute: int
    tcbh_bytes: float
    p95_bits: float
    mean_bits: float


def midnight(day: date, zone: str) -> datetime:
    """First moment (UTC) of the local ``day``."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def odd_days(days: Sequence[date], zone: str) -> dict[date, int]:
    """Those of ``days`` on which the clocks change, with their hours: 23 or 25 in most zones."""
    hours = {
        day: (midnight(day + timedelta(days=1), zone) - midnight(day, zone)).total_seconds() / 3600 for day in days
    }
    return {day: round(length) for day, length in hours.items() if length != DAY_HOURS}


def on_whole_days(samples: pl.DataFrame, days: Sequence[date], zone: str) -> pl.DataFrame:
    """Every sample of ``days``, also those in which nothing was seen.

    Args:
        samples: ``at`` (UTC), ``seconds`` and ``bytes``, all of one length.
        days: of ``zone``.
        zone: the provider's, or UTC.

    Returns:
        ``day``, ``at`` (UTC), ``local`` (local time), ``minute`` (local clock), ``seconds``, ``bytes``, and
        ``hour_bytes``: those of the 60 minutes from there on, null where they reach into the next day.
    """
    seconds = int(samples.get_column("seconds")[0]) if samples.height else HOUR_SECONDS
    grid = (
        pl.concat([day_grid(day, zone, seconds) for day in days])
        if days
        else day_grid(date(2000, 1, 1), zone, seconds)[:0]
    )
    width = HOUR_SECONDS // seconds
    local = pl.col("at").dt.convert_time_zone(zone)
    known = samples.select(pl.col("at").cast(pl.Datetime("us", "UTC")), pl.col("bytes").cast(pl.Int64))
    return (
        grid.join(known, on="at", how="left", maintain_order="left")
        .with_columns(pl.col("bytes").fill_null(0), pl.lit(seconds).alias("seconds"))
        .with_columns(
            local.dt.replace_time_zone(None).alias("local"),
            (local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()).alias("minute"),
            pl.col("bytes").rolling_sum(width).shift(1 - width).over("day").alias("hour_bytes"),
        )
    )


def day_grid(day: date, zone: str, seconds: int) -> pl.DataFrame:
    """``day`` and ``at`` of each of its samples of ``seconds``."""
    begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    at = pl.datetime_range(begins, ends, f"{seconds}s", closed="left", time_unit="us", time_zone="UTC", eager=True)
    return pl.DataFrame({"day": [day] * len(at), "at": at}, schema_overrides={"day": pl.Date})


def peaks_of(load: pl.DataFrame) -> Peaks | None:
    """How busy the ``load`` of ``on_whole_days`` is; None where it carries nothing."""
    if not load.height or not load.get_column("bytes").sum():
        return None
    days = load.get_column("day").n_unique()
    seconds = int(load.get_column("seconds")[0])
    hours = load.drop_nulls("hour_bytes")
    busiest = hours.sort(["hour_bytes", "at"], descending=[True, False]).row(0, named=True)
    clock = clock_hours(hours).sort(["bytes", "minute"], descending=[True, False]).row(0, named=True)
    samples = load.get_column("bytes").sort(descending=True)
    return Peaks(
        busy_start=busiest["local"],
        busy_bytes=busiest["hour_bytes"],
        adph_bytes=float(hours.group_by("day").agg(pl.col("hour_bytes").max()).get_column("hour_bytes").sum() / days),
        tcbh_minute=clock["minute"],
        tcbh_bytes=clock["bytes"] / days,
        p95_bits=float(samples[load.height // 20] * 8 / seconds),
        mean_bits=float(samples.sum() * 8 / (load.height * seconds)),
    )


def clock_hours(hours: pl.DataFrame) -> pl.DataFrame:
    """``minute`` of the local clock and ``bytes`` of the hours that begin there, each shown first on its day."""
    first = hours.unique(["day", "minute"], keep="first", maintain_order=True)
    return first.group_by("minute").agg(pl.col("hour_bytes").sum().alias("bytes"))


def daily_curve(load: pl.DataFrame) -> pl.DataFrame:
    """``minute`` of the local clock, and mean ``bits`` a second of the samples there over the days."""
    days = load.get_column("day").n_unique()
    means = load.group_by("minute").agg((pl.col("bytes").sum() * 8 / pl.col("seconds").first() / days).alias("bits"))
    return means.sort("minute")


def daily_peaks(load: pl.DataFrame) -> pl.DataFrame:
    """``day``, ``bytes`` and ``local`` start of each day's own busy hour, in order."""
    hours = load.drop_nulls("hour_bytes").sort(["hour_bytes", "at"], descending=[True, False])
    peaks = hours.unique("day", keep="first", maintain_order=True)
    return peaks.select("day", pl.col("hour_bytes").alias("bytes"), "local").sort("day")


def weekday_hours(load: pl.DataFrame) -> pl.DataFrame:
    """``weekday`` (1 Monday to 7 Sunday), ``hour`` of the local clock, and mean ``bytes`` over such weekdays."""
    named = load.with_columns(pl.col("day").dt.weekday().alias("weekday"), (pl.col("minute") // 60).alias("hour"))
    days = named.group_by("weekday").agg(pl.col("day").n_unique().alias("days"))
    summed = named.group_by("weekday", "hour").agg(pl.col("bytes").sum())
    means = summed.join(days, on="weekday", how="inner").with_columns(pl.col("bytes") / pl.col("days"))
    return means.select("weekday", "hour", "bytes").sort("weekday", "hour")
