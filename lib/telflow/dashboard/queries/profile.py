"""What the lake knows of one customer."""

from datetime import date
from typing import Any

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.recommendations import with_consent
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import (
    CHURN_SCORES,
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    PLAN_FIT,
    RECOMMENDATIONS,
    SCORES,
    SEGMENTS,
    TRENDS,
    Relation,
)


def days_of(reader: Reader, customer: str, period: Period) -> pl.DataFrame:
    """What ``customer`` used on each local day of ``period`` that it used anything on."""
    where = Where().equal("customer", customer).within("local_date", period)
    return reader.query(
        f"""SELECT local_date AS day, customer_basis AS basis, plan, region, bytes_up, bytes_down, packets_up,
        packets_down, connections, active_hours, flow_seconds FROM customers_by_day {where.sql} ORDER BY 1""",
        where.parameters,
        [CUSTOMERS_BY_DAY.name],
    )


def categories_of(reader: Reader, customer: str, filters: Filters, period: Period) -> pl.DataFrame:
    """``at`` (local day), ``name`` (category) and ``bytes`` of ``customer``."""
    where = Where().equal("customer", customer).within("local_date", period).among("category", filters.categories)
    return reader.query(
        f"SELECT local_date AS at, category AS name, bytes FROM customer_categories {where.sql} ORDER BY 1, 2",
        where.parameters,
        [CUSTOMER_CATEGORIES.name],
    )


def newest(reader: Reader, relation: Relation, until: date, where: Where, order: str) -> pl.DataFrame:
    """Rows of the newest ``as_of`` up to ``until`` that hold ``where``; of the first where all come later."""
    newest_of = f"SELECT COALESCE(MAX(CASE WHEN as_of <= ? THEN as_of END), MIN(as_of)) FROM {relation.name}"
    where = where.satisfying(f"as_of = ({newest_of})", until)
    sql = f"SELECT * FROM {relation.name} {where.sql} ORDER BY {order}"
    return reader.query(sql, where.parameters, [relation.name])


def scores_of(reader: Reader, customer: str, until: date) -> pl.DataFrame:
    """Scores of ``customer`` by scheme, newest up to ``until``."""
    return newest(reader, SCORES, until, Where().equal("customer", customer), "scheme")


def segment_of(reader: Reader, customer: str, until: date) -> dict[str, Any] | None:
    """``segment`` and ``as_of`` of ``customer``; None where it is in none."""
    return first(newest(reader, SEGMENTS, until, Where().equal("customer", customer), "segment"))


def churn_of(reader: Reader, customer: str, until: date) -> dict[str, Any] | None:
    """Churn score of ``customer`` with its reasons; None where there is none."""
    return first(newest(reader, CHURN_SCORES, until, Where().equal("customer", customer), "probability DESC"))


def trends_of(reader: Reader, customer: str, until: date) -> pl.DataFrame:
    """Trends of the categories of ``customer``, and of their sum, which is named all."""
    where = Where().equal("scope_kind", "customer").equal("scope", customer)
    return newest(reader, TRENDS, until, where, "category")


def fit_of(reader: Reader, customer: str, until: date) -> dict[str, Any] | None:
    """Fit of the plan of ``customer``; None where it was not looked at."""
    return first(newest(reader, PLAN_FIT, until, Where().equal("customer", customer), "plan"))


def recommendations_of(reader: Reader, customer: str, until: date) -> pl.DataFrame:
    """Recommendations to ``customer``, the first to come with first."""
    where = Where().equal("customer", customer)
    return with_consent(reader, newest(reader, RECOMMENDATIONS, until, where, "rank"), where)


def first(rows: pl.DataFrame) -> dict[str, Any] | None:
    """The first of ``rows``; None of none."""
    return rows.row(0, named=True) if rows.height else None
