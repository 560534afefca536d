"""Traffic by category and service."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.where import Where, chosen
from telflow.dashboard.relations import TRAFFIC_BY_DAY, TRAFFIC_BY_HOUR

UNCLASSIFIED = ("unassigned", "dynamic")  # categories of what no registered service was found for
HOURS_SHOWN_DAYS = 3  # up to so many days are drawn hour by hour


@dataclass(frozen=True)
class Totals:
    """Sums over a period."""

    bytes: int
    packets: int
    flows: int
    unclassified_bytes: int

    @property
    def unclassified_share(self) -> float | None:
        """Part of the bytes (0 to 1); None of nothing."""
        return self.unclassified_bytes / self.bytes if self.bytes else None


def totals(reader: Reader, filters: Filters, period: Period, day: str) -> Totals:
    """Sums over ``period``, whose days are those of the column ``day``."""
    where = chosen(filters, period, day)
    rows = reader.query(
        f"""SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT), CAST(COALESCE(SUM(packets), 0) AS BIGINT),
        CAST(COALESCE(SUM(flows), 0) AS BIGINT),
        CAST(COALESCE(SUM(CASE WHEN category IN (?, ?) THEN bytes END), 0) AS BIGINT)
        FROM traffic_by_hour {where.sql}""",
        [*UNCLASSIFIED, *where.parameters],
        [TRAFFIC_BY_HOUR.name],
    )
    return Totals(*rows.row(0))


def by_day(reader: Reader, filters: Filters, period: Period, day: str) -> pl.DataFrame:
    """``day`` (date), ``bytes`` and ``flows``, one row a day."""
    where = chosen(filters, period, day)
    return reader.query(
        f"""SELECT {day} AS day, CAST(SUM(bytes) AS BIGINT) AS bytes, CAST(SUM(flows) AS BIGINT) AS flows
        FROM traffic_by_day {where.sql} GROUP BY 1 ORDER BY 1""",
        where.parameters,
        [TRAFFIC_BY_DAY.name],
    )


def over_time(reader: Reader, filters: Filters, period: Period, day: str, part: str = "category") -> pl.DataFrame:
    """``at``, ``name`` and ``bytes``: by hour where the period is short, else by day; ``part`` is what is named.

    ``at`` is a date, or a moment (UTC) where it is an hour.
    """
    where = chosen(filters, period, day)
    is_short = period.days <= HOURS_SHOWN_DAYS and part == "category"
    at, relation = ("hour_start", TRAFFIC_BY_HOUR) if is_short else (day, TRAFFIC_BY_DAY)
    return reader.query(
        f"""SELECT {at} AS at, {part} AS name, CAST(SUM(bytes) AS BIGINT) AS bytes
        FROM {relation.name} {where.sql} GROUP BY 1, 2 ORDER BY 1, 2""",
        where.parameters,
        [relation.name],
    )


def by_part(reader: Reader, filters: Filters, period: Period, day: str, part: str) -> pl.DataFrame:
    """``name`` (category or service), ``bytes`` and ``flows`` of the period, the largest first."""
    where = chosen(filters, period, day)
    return reader.query(
        f"""SELECT {part} AS name, CAST(SUM(bytes) AS BIGINT) AS bytes, CAST(SUM(flows) AS BIGINT) AS flows
        FROM traffic_by_day {where.sql} GROUP BY 1 ORDER BY bytes DESC, name""",
        where.parameters,
        [TRAFFIC_BY_DAY.name],
    )


def hourly_figures(reader: Reader, filters: Filters, period: Period, day: str) -> pl.DataFrame:
    """Of each category: ``name``, and of its bytes an hour ``least``, ``mean``, ``p95``, ``most`` and ``total``.

    Hours are those in which the network carried anything; one in which a category carried nothing is a zero.
    p95: the greatest 5 % of the hours (rounded down) are dropped, and the next one counts, as for billing.
    """
    where = chosen(filters, period, day)
    hours = Where().within(day, period)
    return reader.query(
        f"""WITH hours AS (SELECT COUNT(DISTINCT hour_start) AS n FROM traffic_by_hour {hours.sql}),
        loads AS (SELECT category AS name, hour_start, SUM(bytes) AS bytes
        FROM traffic_by_hour {where.sql} GROUP BY 1, 2),
        placed AS (SELECT name, bytes, ROW_NUMBER() OVER (PARTITION BY name ORDER BY bytes DESC) AS place FROM loads)
        SELECT name, CAST(CASE WHEN COUNT(*) < MAX(n) THEN 0 ELSE MIN(bytes) END AS BIGINT) AS least,
        CAST(SUM(bytes) AS DOUBLE) / MAX(n) AS mean,
        CAST(COALESCE(MAX(CASE WHEN place = FLOOR(n / 20) + 1 THEN bytes END), 0) AS BIGINT) AS p95,
        CAST(MAX(bytes) AS BIGINT) AS most, CAST(SUM(bytes) AS BIGINT) AS total
        FROM placed CROSS JOIN hours GROUP BY name ORDER BY total DESC""",
        [*hours.parameters, *where.parameters],
        [TRAFFIC_BY_HOUR.name],
    )


def busiest_hour(reader: Reader, filters: Filters, period: Period, day: str) -> tuple[datetime, int] | None:
    """Start (UTC) of the clock hour of most bytes, and they; None where there is no traffic."""
    where = chosen(filters, period, day)
    rows = reader.query(
        f"""SELECT hour_start, CAST(SUM(bytes) AS BIGINT) AS bytes FROM traffic_by_hour {where.sql}
        GROUP BY 1 ORDER BY bytes DESC, hour_start LIMIT 1""",
        where.parameters,
        [TRAFFIC_BY_HOUR.name],
    )
    return rows.row(0) if rows.height else None
