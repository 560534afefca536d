"""Times of exporters as UTC."""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from telflow.ingest.record import Reason

MICROS = 1_000_000
ISO_FORMAT = "%Y-%m-%dT%H:%M:%S%.f%#z"
CLOCK_DURATION = r"^(?:(?P<d>\d+)d +)?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d(?:\.\d+)?)$"


def local_times(values: pl.Series, formats: Sequence[str]) -> pl.Series:
    """Texts as clock times without zone; the first of ``formats`` that fits counts, null where none does."""
    found = values.str.to_datetime(formats[0], strict=False, time_unit="us")
    for form in formats[1:]:
        if found.null_count() == values.null_count():
            break
        missing = found.is_null()
        found = found.zip_with(~missing, values.str.to_datetime(form, strict=False, time_unit="us"))
    return found


def as_utc(clock: pl.Series, zone: str, twice: Literal["earliest", "latest"] = "earliest") -> pl.Series:
    """Clock times of ``zone`` as UTC without zone.

    A time that occurs twice (clocks set back) is the ``twice`` one; one that never occurs (set forward) is null.
    """
    if zone == "UTC":
        return clock
    return (
        clock.dt.replace_time_zone(zone, ambiguous=twice, non_existent="null")
        .dt.convert_time_zone("UTC")
        .dt.replace_time_zone(None)
    )


def gap_reason(clock: pl.Series, utc: pl.Series) -> pl.Series:
    """``time_out_of_range`` where a clock time never occurs in its zone, else null."""
    never = clock.is_not_null() & utc.is_null()
    if not never.any():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(clock))
    reason = pl.when(pl.lit(never)).then(pl.lit(Reason.TIME_OUT_OF_RANGE.value))
    return pl.select(reason).to_series()


def duration_seconds(values: pl.Series) -> pl.Series:
    """Seconds in ``1.5``, ``00:00:01.500`` or ``1d 00:00:01.500``; NaN where the text is none of these."""
    number = values.cast(pl.Float64, strict=False)
    if number.null_count() == values.null_count():
        return number
    parts = values.str.extract_groups(CLOCK_DURATION).struct
    days, hours, minutes, seconds = (parts.field(name).cast(pl.Float64) for name in ("d", "h", "m", "s"))
    clock = days.fill_null(0.0) * 86_400 + hours * 3600 + minutes * 60 + seconds
    told = number.fill_null(clock).fill_null(float("nan"))
    return told.zip_with(values.is_not_null(), number)


def micros(seconds: pl.Expr) -> pl.Expr:
    """Seconds as whole microseconds; null where they are no number."""
    return (seconds * MICROS).round().cast(pl.Int64, strict=False)


def from_epoch(seconds: pl.Expr) -> pl.Expr:
    """Seconds since 1970 (UTC) as a time."""
    return micros(seconds).cast(pl.Datetime("us"))


def from_millis(column: str) -> pl.Expr:
    """Milliseconds since 1970 (UTC) as a time."""
    return (pl.col(column) * 1000).cast(pl.Datetime("us"))


def offset_times(values: pl.Series) -> pl.Series:
    """ISO 8601 times with an offset (``Z``, ``+02:00``, ``+0200``) as UTC without zone; null where a text is none."""
    return values.str.to_datetime(ISO_FORMAT, strict=False, time_unit="us").dt.replace_time_zone(None)
