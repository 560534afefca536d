"""Traffic by category and service: the network's, or where segments are chosen what their customers used."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries import customers
from telflow.dashboard.queries.where import Source, Where, chosen
from telflow.dashboard.relations import TRAFFIC_BY_DAY, TRAFFIC_BY_HOUR, Relation

UNCLASSIFIED = ("unassigned", "dynamic")  # categories of what no registered service was found for
HOURS_SHOWN_DAYS = 3  # up to so many days are drawn hour by hour


@dataclass(frozen=True)
class Totals:
    """Sums over a period; ``flows`` are None where they are not kept."""

    bytes: int
    flows: int | None
    unclassified_bytes: int

    @property
    def unclassified_share(self) -> float | None:
        """Part of the bytes (0 to 1); None of nothing."""
        return self.unclassified_bytes / self.bytes if self.bytes else None


def source_of(
    filters: Filters, period: Period, day: str, network: Relation = TRAFFIC_BY_DAY, *, by_category: bool = False
) -> Source:
    """What the filters choose of the ``network``, or in segments of their customers, who are kept by local days."""
    if filters.segments:
        return customers.source_of(filters, period, by_category=by_category)
    return Source([network.name], chosen(filters, period, day))


def totals(reader: Reader, filters: Filters, period: Period, day: str) -> Totals:
    """Sums over ``period``, whose days are those of the column ``day``."""
    source = source_of(filters, period, day)
    rows = reader.query(
        f"""SELECT CAST(COALESCE(SUM({source.bytes}), 0) AS BIGINT) AS bytes,
        CAST(SUM({source.flows}) AS BIGINT) AS flows {source.sql}""",
        source.where.parameters,
        source.relations,
    )
    parts = by_part(reader, filters, period, day, "category")
    unclassified = parts.filter(pl.col("name").is_in(UNCLASSIFIED)).get_column("bytes").sum()
    volume, flows = rows.row(0)
    return Totals(volume, flows, int(unclassified))


def by_day(reader: Reader, filters: Filters, period: Period, day: str) -> pl.DataFrame:
    """``day`` (date) and ``bytes``, one row a day."""
    source = source_of(filters, period, day)
    return reader.query(
        f"SELECT {day} AS day, CAST(SUM({source.bytes}) AS BIGINT) AS bytes {source.sql} GROUP BY 1 ORDER BY 1",
        source.where.parameters,
        source.relations,
    )


def over_time(reader: Reader, filters: Filters, period: Period, day: str, part: str = "category") -> pl.DataFrame:
    """``at``, ``name`` and ``bytes``: by hour where the period is short, else by day; ``part`` is what is named.

    ``at`` is a date, or a moment (UTC) where it is an hour. In segments it is always a date.
    """
    is_short = period.days <= HOURS_SHOWN_DAYS and part == "category"
    at, network = (step_of(filters, day), TRAFFIC_BY_HOUR) if is_short else (day, TRAFFIC_BY_DAY)
    source = source_of(filters, period, day, network, by_category=True)
    return reader.query(
        f"""SELECT {at} AS at, {part} AS name, CAST(SUM({source.bytes}) AS BIGINT) AS bytes
        {source.sql} GROUP BY 1, 2 ORDER BY 1, 2""",
        source.where.parameters,
        source.relations,
    )


def step_of(filters: Filters, day: str) -> str:
    """Column with the shortest time that traffic is kept by category for: an hour, in segments a day."""
    return day if filters.segments else "hour_start"


def by_part(reader: Reader, filters: Filters, period: Period, day: str, part: str) -> pl.DataFrame:
    """``name`` (category or service), ``bytes`` and ``flows`` of the period, the largest first.

    ``flows`` are null in segments, as they are not kept by customer and category.
    """
    source = source_of(filters, period, day, by_category=True)
    return reader.query(
        f"""SELECT {part} AS name, CAST(SUM({source.bytes}) AS BIGINT) AS bytes,
        CAST(SUM({source.flows}) AS BIGINT) AS flows {source.sql} GROUP BY 1 ORDER BY bytes DESC, name""",
        source.where.parameters,
        source.relations,
    )


def step_figures(reader: Reader, filters: Filters, period: Period, day: str) -> pl.DataFrame:
    """Of each category: ``name``, and of its bytes an hour ``least``, ``mean``, ``p95``, ``most`` and ``total``.

    Hours are those in which the network carried anything; one in which a category carried nothing is a zero. In
    segments they are bytes a day, over the days on which any customer was seen.
    p95: the greatest 5 % of the hours (rounded down) are dropped, and the next one counts, as for billing.
    """
    source = source_of(filters, period, day, TRAFFIC_BY_HOUR, by_category=True)
    at, relation, every = step_of(filters, day), source.relations[0], Where().within(day, period)
    return reader.query(
        f"""WITH steps AS (SELECT COUNT(DISTINCT {at}) AS n FROM {relation} {every.sql}),
        loads AS (SELECT category AS name, {at} AS at, SUM({source.bytes}) AS bytes {source.sql} GROUP BY 1, 2),
        placed AS (SELECT name, bytes, ROW_NUMBER() OVER (PARTITION BY name ORDER BY bytes DESC) AS place FROM loads)
        SELECT name, CAST(CASE WHEN COUNT(*) < MAX(n) THEN 0 ELSE MIN(bytes) END AS BIGINT) AS least,
        CAST(SUM(bytes) AS DOUBLE) / MAX(n) AS mean,
        CAST(COALESCE(MAX(CASE WHEN place = FLOOR(n / 20) + 1 THEN bytes END), 0) AS BIGINT) AS p95,
        CAST(MAX(bytes) AS BIGINT) AS most, CAST(SUM(bytes) AS BIGINT) AS total
        FROM placed CROSS JOIN steps GROUP BY name ORDER BY total DESC""",
        [*every.parameters, *source.where.parameters],
        source.relations,
    )


def busiest_hour(reader: Reader, filters: Filters, period: Period, day: str) -> tuple[datetime, int] | None:
    """Start (UTC) of the clock hour in which the network carried most bytes, and they; None where it carried none."""
    where = chosen(filters, period, day)
    rows = reader.query(
        f"""SELECT hour_start, CAST(SUM(bytes) AS BIGINT) AS bytes FROM traffic_by_hour {where.sql}
        GROUP BY 1 ORDER BY bytes DESC, hour_start LIMIT 1""",
        where.parameters,
        [TRAFFIC_BY_HOUR.name],
    )
    return rows.row(0) if rows.height else None
