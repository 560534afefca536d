"""Recommendations to customers on a date, whom they reach, and who gets none."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SEGMENTS, SUBSCRIBERS
from telflow.errors import TableMissingError

NONE = "none"
SEGMENT_THEN = """SELECT customer, segment FROM customer_segments
        WHERE as_of = (SELECT MAX(as_of) FROM customer_segments WHERE as_of <= ?)"""
PLAN_UP, NO_CHANGE = "plan up", "no change"
KINDS = ("retention", PLAN_UP, "plan down", "service", NO_CHANGE)


def newest_date(reader: Reader, until: date) -> date | None:
    """The newest date up to ``until`` that recommendations were made for; the first where all come later."""
    sql = "SELECT COALESCE(MAX(CASE WHEN as_of <= ? THEN as_of END), MIN(as_of)) AS as_of FROM recommendations"
    day: date | None = reader.query(sql, [until], [RECOMMENDATIONS.name]).item()
    return day


def base_of(reader: Reader, as_of: date) -> pl.DataFrame:
    """Whoever recommendations were thought of for on ``as_of``.

    Returns:
        ``customer``, ``plan``, ``region``, ``segment`` (the newest by then; none where in none), and of plan_fit
        ``untold_reason``, ``advice`` and ``upsize_causes``; plan_fit has a row for each subscriber, and where it is
        missing these are those with a recommendation.
    """
    try:
        reader.state(PLAN_FIT.name)
        columns = "customer, plan, untold_reason, advice, upsize_causes"
        known, relations = f"SELECT {columns} FROM plan_fit WHERE as_of = ?", [PLAN_FIT.name]
    except TableMissingError:
        nothing = ", ".join(f"NULL AS {name}" for name in ("plan", "untold_reason", "advice", "upsize_causes"))
        known = f"SELECT DISTINCT customer, {nothing} FROM recommendations WHERE as_of = ?"
        relations = [RECOMMENDATIONS.name]
    segments, days = "SELECT '' AS customer, '' AS segment", [as_of]
    try:
        reader.state(SEGMENTS.name)
        segments, days = SEGMENT_THEN, [as_of, as_of]
        relations.append(SEGMENTS.name)
    except TableMissingError:
        pass
    return reader.query(
        f"""SELECT f.customer, COALESCE(f.plan, s.plan, '{NONE}') AS plan, COALESCE(s.region, '{NONE}') AS region,
        COALESCE(g.segment, '{NONE}') AS segment, f.untold_reason, f.advice, f.upsize_causes FROM ({known}) f
        LEFT JOIN subscribers s ON s.customer = f.customer LEFT JOIN ({segments}) g ON g.customer = f.customer
        ORDER BY f.customer""",
        days,
        [*relations, SUBSCRIBERS.name],
    )


def recommended(reader: Reader, as_of: date) -> pl.DataFrame:
    """Every recommendation of ``as_of``: first ranks first, the surest first within a rank, no change last."""
    where = Where().equal("as_of", as_of)
    order = "rank, CASE WHEN kind = 'no change' THEN 1 ELSE 0 END, confidence DESC NULLS LAST, customer"
    sql = f"SELECT * FROM recommendations {where.sql} ORDER BY {order}"
    return reader.query(sql, where.parameters, [RECOMMENDATIONS.name])


def chosen_of(base: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Those of ``base`` whom plan, region and segment of ``filters`` choose."""
    for name in ("plan", "region", "segment"):
        values = filters.values(name)
        if values:
            base = base.filter(pl.col(name).is_in(list(values)))
    return base


def group_counts(base: pl.DataFrame) -> Mapping[tuple[str, ...], int]:
    """Customers of ``base`` by plan, region and segment."""
    counted = base.group_by("plan", "region", "segment").agg(pl.len().alias("customers"))
    return {(plan, region, segment): customers for plan, region, segment, customers in counted.iter_rows()}


def fairness(base: pl.DataFrame, recommendations: pl.DataFrame, part: str, kinds: Sequence[str]) -> pl.DataFrame:
    """How often each group of ``part`` (plan, region or segment) is recommended each of ``kinds``.

    Returns:
        ``group``, ``customers``, and for each kind the number of customers with at least one such recommendation.
    """
    kinds_of = recommendations.select("customer", "kind").unique()
    joined = base.select("customer", pl.col(part).alias("group")).join(kinds_of, on="customer", how="left")
    counts = [((pl.col("kind") == kind).fill_null(value=False)).sum().cast(pl.Int64).alias(kind) for kind in kinds]
    customers = pl.col("customer").n_unique().cast(pl.Int64).alias("customers")
    return joined.group_by("group").agg(customers, *counts).sort("group")
