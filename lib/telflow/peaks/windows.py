"""Share each flow's volume among the time windows it lasted through.

A flow of twenty minutes is not a spike at its end: its bytes lie over four five-minute windows. The rules are the
seven load schemes of SiLK's rwcount, in integers; five of them hand out every byte once, so that a flow's parts sum
to the flow exactly, and two bound what a window can have carried.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.settings import LoadScheme

MICROS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_index(at_micros: Column, window_seconds: int) -> Column:
    """Number of the window that holds ``at_micros`` (bigint, from the epoch), counted from the epoch in UTC."""
    return F.floor(at_micros / (window_seconds * MICROS))


def with_windows(flows: DataFrame, window_seconds: int) -> DataFrame:
    """One row per flow and window it touches.

    Windows end exclusively: a flow that ends on a window's edge does not touch the next, unless it also began there.

    Args:
        flows: needs ``start_time`` and ``end_time`` (timestamp, UTC, end not before start).
        window_seconds: length of a window; windows are counted from the epoch.

    Returns:
        ``flows`` and ``window_index``, ``first_window``, ``middle_window``, ``last_window`` (bigint, from the epoch),
        ``is_first_window`` (boolean), ``passed_before`` and ``passed_after`` (double, 0 to 1): how much of the flow's
        duration lies before this window, and how much up to its end.
    """
    start, end = F.unix_micros("start_time"), F.unix_micros("end_time")
    window, first, last = F.col("window_index"), F.col("first_window"), F.col("last_window")
    window_micros = window_seconds * MICROS

    exploded = flows.withColumns(
        {
            "first_window": window_index(start, window_seconds),
            "middle_window": window_index(start + F.floor((end - start) / 2), window_seconds),
            "last_window": window_index(F.greatest(start, end - 1), window_seconds),
        }
    ).withColumn("window_index", F.explode(F.sequence(first, last)))
    return exploded.withColumns(
        {
            "is_first_window": window == first,
            "passed_before": share_passed(window * window_micros),
            "passed_after": share_passed((window + 1) * window_micros),
        }
    )


def share_passed(until_micros: Column) -> Column:
    """Part of the flow, 0 to 1, that had passed at ``until_micros``; a flow without duration has passed at once.

    The same instant gives the same double, whether it closes a window or opens the next.
    """
    start, end = F.unix_micros("start_time"), F.unix_micros("end_time")
    share = (until_micros - start) / (end - start)
    return F.when(until_micros <= start, F.lit(0.0)).when(until_micros >= end, F.lit(1.0)).otherwise(share)


def apportioned(volume: Column, scheme: LoadScheme = "time-proportional") -> Column:
    """Whole bytes or packets of ``volume`` that fall into a row of ``with_windows``.

    Args:
        volume: bigint, 0 to 2**53, the whole numbers a double holds exactly.
        scheme: a load scheme of SiLK's rwcount. The whole volume goes to the first window (start-spike), the one at
            half of the duration (middle-spike) or the last touched (end-spike); equal parts to every window touched
            (bin-uniform); parts by the time spent in it (time-proportional). maximum-volume counts the whole flow in
            every window touched, as if all of it had been there; minimum-volume counts it only where one window
            holds all of it. All but these two sum to ``volume`` over the flow's windows.

    Returns:
        bigint, never negative. Parts are differences of a rounded running total: they telescope, so nothing is lost.
    """
    window, first, last = F.col("window_index"), F.col("first_window"), F.col("last_window")
    if scheme == "time-proportional":
        return between_shares(volume, F.col("passed_before"), F.col("passed_after"))
    if scheme == "bin-uniform":
        windows = last - first + 1
        return between_shares(volume, (window - first) / windows, (window - first + 1) / windows)
    if scheme == "maximum-volume":
        return volume
    holds_all = {
        "start-spike": window == first,
        "middle-spike": window == F.col("middle_window"),
        "end-spike": window == last,
        "minimum-volume": first == last,
    }[scheme]
    return F.when(holds_all, volume).otherwise(F.lit(0).cast("bigint"))


def between_shares(volume: Column, before: Column, after: Column) -> Column:
    """What of ``volume`` lies between two shares of it (double, 0 to 1), each rounded down to whole units."""
    return F.floor(volume * after) - F.floor(volume * before)


def is_touching(first: date | datetime, until: date | datetime, max_duration_seconds: int) -> Column:
    """Whether a flow lasted into the half-open range of instants from ``first`` to ``until``.

    It looks at ``start_time``, ``end_time`` and their partition ``event_date`` (date, UTC day of the start).

    Args:
        first: first instant; a date is its midnight in UTC, a datetime needs its time zone.
        until: first instant after the range, likewise.
        max_duration_seconds: longest accepted flow; how far before the range partitions are read.
    """
    start, end = instant(first), instant(until)
    earliest_day = (start - timedelta(seconds=max_duration_seconds)).date()
    last_day = (end - timedelta(microseconds=1)).date()
    is_in_read_partition = F.col("event_date").between(F.lit(earliest_day), F.lit(last_day))
    began_by_then = F.col("start_time") < timestamp(end)
    was_not_over = (F.col("end_time") > timestamp(start)) | (F.col("start_time") >= timestamp(start))
    return is_in_read_partition & began_by_then & was_not_over


def instant(at: date | datetime) -> datetime:
    """``at`` in UTC; a date is its midnight."""
    if isinstance(at, datetime):
        return at.astimezone(UTC)
    return datetime(at.year, at.month, at.day, tzinfo=UTC)


def timestamp(at: datetime) -> Column:
    """``at`` as a timestamp literal, whatever the zone of this process."""
    return F.timestamp_micros(F.lit((at - EPOCH) // timedelta(microseconds=1)))


def apportion(
    flows: DataFrame,
    window_seconds: int,
    keys: Sequence[str],
    volumes: Sequence[str],
    *,
    scheme: LoadScheme = "time-proportional",
) -> DataFrame:
    """Sums per window and ``keys``.

    Args:
        flows: needs ``start_time`` and ``end_time`` (timestamp, UTC, end not before start), ``keys`` and ``volumes``.
        window_seconds: length of a window.
        keys: columns to group by beside the window.
        volumes: bigint columns to share out, such as ``src_bytes``.
        scheme: how a flow's volume lies over its windows.

    Returns:
        ``window_start`` (timestamp), ``keys``, ``volumes``, ``flows_started`` and ``flows_active``
        (bigint).
    """
    window_start = F.timestamp_seconds(F.col("window_index") * window_seconds).alias("window_start")
    return (
        flows.transform(with_windows, window_seconds)
        .groupBy("window_index", *keys)
        .agg(
            *[F.sum(apportioned(F.col(name), scheme)).alias(name) for name in volumes],
            F.count_if("is_first_window").alias("flows_started"),
            F.count(F.lit(1)).alias("flows_active"),
        )
        .select(window_start, "*")
        .drop("window_index")
    )
