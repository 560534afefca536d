"""Segments and levels of customers on a date, and who moved between two dates."""

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


def date_before(reader: Reader, relation: str, as_of: date, shown: Period) -> date | None:
    """The date to compare ``as_of`` with: the last whose days end before those ``shown`` begin, else the first of all.

    None where ``relation`` holds no date before ``as_of``.
    """
    known = [day for day in dates(reader, relation) if day < as_of]
    before = [day for day in known if day <= shown.first]  # a date's own day is none of its days
    return before[-1] if before else known[0] if known else None


def segmented(reader: Reader, as_of: date) -> pl.DataFrame:
    """Whoever has a segment on ``as_of``: ``customer``, ``name`` of the segment, ``model`` and ``model_version``."""
    where = Where().equal("as_of", as_of)
    sql = f"SELECT customer, segment AS name, model, model_version FROM customer_segments {where.sql} ORDER BY customer"
    return reader.query(sql, where.parameters, [SEGMENTS.name])


def scored(reader: Reader, scheme: str, as_of: date) -> pl.DataFrame:
    """Whoever has scores of ``scheme`` on ``as_of``, most bytes first.

    Returns:
        ``customer``, ``level``, ``score``, ``recency``, ``usage``, ``frequency``, ``count`` (scores, null where the
        scheme has none), ``bytes`` and ``last_active_days``.
    """
    where = Where().equal("as_of", as_of).equal("scheme", scheme)
    sql = (
        "SELECT customer, level, score, recency_score AS recency, monetary_score AS usage, frequency_score AS "
        "frequency, connections_score AS count, monetary_bytes AS bytes, recency_days AS last_active_days "
        f"FROM customer_scores {where.sql} ORDER BY monetary_bytes DESC NULLS LAST, customer"
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
