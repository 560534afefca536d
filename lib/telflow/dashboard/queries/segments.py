"""Segments and levels of customers on a date, and who moved between two dates."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Period
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import MIGRATIONS, SCORES, SEGMENTS

RFM: Final = "rfm"
UFM: Final = "ufm"


def dates(reader: Reader, relation: str) -> list[date]:
    """Dates that ``relation`` holds, the first first."""
    return (
        reader.query(f"SELECT DISTINCT as_of FROM {relation} ORDER BY 1", [], [relation]).get_column("as_of").to_list()
    )


def date_in(reader: Reader, relation: str, chosen: Period | None) -> date | None:
    """The date to show: the last whose days end with the ``chosen`` period at the latest, or the first; None of none.

    Args:
        reader: of the lake.
        relation: with ``as_of``.
        chosen: days that the address names; None for the newest.
    """
    known = dates(reader, relation)
    before = [day for day in known if chosen is None or day <= chosen.last + timedelta(days=1)]
    return before[-1] if before else known[0] if known else None


def sizes(reader: Reader, as_of: date) -> pl.DataFrame:
    """Customers by segment: ``name``, ``customers``, the largest first; ``model`` and ``model_version``."""
    where = Where().equal("as_of", as_of)
    sql = (
        "SELECT segment AS name, CAST(COUNT(*) AS BIGINT) AS customers, MAX(model) AS model, "
        f"MAX(model_version) AS model_version FROM customer_segments {where.sql} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return reader.query(sql, where.parameters, [SEGMENTS.name])


def levels(reader: Reader, scheme: str, as_of: date) -> pl.DataFrame:
    """Customers by level of ``scheme``: ``name``, ``customers``, ``bytes``, the largest first."""
    where = Where().equal("as_of", as_of).equal("scheme", scheme)
    sql = (
        "SELECT level AS name, CAST(COUNT(*) AS BIGINT) AS customers, CAST(SUM(monetary_bytes) AS BIGINT) AS bytes "
        f"FROM customer_scores {where.sql} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return reader.query(sql, where.parameters, [SCORES.name])


def rfm_grid(reader: Reader, as_of: date) -> pl.DataFrame:
    """Scored customers by ``recency`` and ``frequency`` (1 to 5): ``customers`` and mean ``bytes``."""
    where = Where(("recency_score IS NOT NULL",)).equal("as_of", as_of).equal("scheme", RFM)
    sql = (
        "SELECT recency_score AS recency, frequency_score AS frequency, CAST(COUNT(*) AS BIGINT) AS customers, "
        f"CAST(AVG(monetary_bytes) AS DOUBLE) AS bytes FROM customer_scores {where.sql} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return reader.query(sql, where.parameters, [SCORES.name])


def moves(reader: Reader, as_of: date) -> pl.DataFrame:
    """Who moved to the segments of ``as_of`` since the date before: ``since``, ``source``, ``target``, customers."""
    where = Where().equal("to_as_of", as_of)
    newest = f"from_as_of = (SELECT MAX(from_as_of) FROM segment_migrations {where.sql})"
    sql = (
        "SELECT from_as_of AS since, from_segment AS source, to_segment AS target, customers "
        f"FROM segment_migrations {where.sql} AND {newest} ORDER BY customers DESC, 2, 3"
    )
    return reader.query(sql, (*where.parameters, *where.parameters), [MIGRATIONS.name])


def newest_move(reader: Reader, as_of: date) -> date | None:
    """The last date up to ``as_of`` that moves are told to."""
    found = reader.query(
        "SELECT MAX(to_as_of) AS day FROM segment_migrations WHERE to_as_of <= ?", [as_of], [MIGRATIONS.name]
    )
    day: date | None = found.item()
    return day


def customers_at(
    reader: Reader, as_of: date, level: str, segmented: date | None, chosen: Sequence[str] = ()
) -> pl.DataFrame:
    """Customers at a UFM ``level`` with their scores and, on the date ``segmented``, their segment, most bytes first.

    Returns:
        ``customer``, ``segment`` (null where in none), ``score``, ``usage``, ``frequency``, ``count`` (1 to 4),
        ``bytes`` and ``last_active_days``.
    """
    where = Where().equal("s.as_of", as_of).equal("s.scheme", UFM).equal("s.level", level)
    columns = (
        "s.customer, s.score, s.monetary_score AS usage, s.frequency_score AS frequency, "
        "s.connections_score AS count, s.monetary_bytes AS bytes, s.recency_days AS last_active_days"
    )
    order = "ORDER BY s.monetary_bytes DESC NULLS LAST, s.customer"
    if segmented is None:
        sql = f"SELECT {columns}, CAST(NULL AS STRING) AS segment FROM customer_scores s {where.sql} {order}"
        return reader.query(sql, where.parameters, [SCORES.name])
    narrowed = where.among("g.segment", chosen)
    sql = (
        f"SELECT {columns}, g.segment FROM customer_scores s LEFT JOIN customer_segments g "
        f"ON g.customer = s.customer AND g.as_of = ? {narrowed.sql} {order}"
    )
    return reader.query(sql, (segmented, *narrowed.parameters), [SCORES.name, SEGMENTS.name])
