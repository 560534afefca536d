"""Recommendations to customers on a date, whom they reach, and who gets none."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader, is_there
from telflow.dashboard.queries.everybody import NONE, segments_then
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SUBSCRIBERS

MAY_OFFER, OFFER, NOT_LOOKED_AT = "offer to approach with", "offer", "not looked at"  # outcomes, beside no change
PLAN_UP, PLAN_DOWN, NO_CHANGE = "plan up", "plan down", "no change"
KINDS = ("retention", PLAN_UP, PLAN_DOWN, "service", NO_CHANGE)


def base_of(reader: Reader, as_of: date) -> pl.DataFrame:
    """Whoever recommendations were thought of for on ``as_of``.

    Returns:
        ``customer``, ``plan``, ``region``, ``segment`` (the newest by then; none where in none), and of plan_fit
        ``untold_reason``, ``advice`` and ``upsize_causes``; plan_fit has a row for each subscriber, and where it is
        missing these are those with a recommendation.
    """
    if is_there(reader, PLAN_FIT):
        columns = "customer, plan, untold_reason, advice, upsize_causes"
        known, relations = f"SELECT {columns} FROM plan_fit WHERE as_of = ?", [PLAN_FIT.name]
    else:
        nothing = ", ".join(f"NULL AS {name}" for name in ("plan", "untold_reason", "advice", "upsize_causes"))
        known = f"SELECT DISTINCT customer, {nothing} FROM recommendations WHERE as_of = ?"
        relations = [RECOMMENDATIONS.name]
    segments, days, more = segments_then(reader, as_of)
    return reader.query(
        f"""SELECT f.customer, COALESCE(f.plan, s.plan, '{NONE}') AS plan, COALESCE(s.region, '{NONE}') AS region,
        COALESCE(g.segment, '{NONE}') AS segment, f.untold_reason, f.advice, f.upsize_causes FROM ({known}) f
        LEFT JOIN subscribers s ON s.customer = f.customer LEFT JOIN ({segments}) g ON g.customer = f.customer
        ORDER BY f.customer""",
        [as_of, *days],
        [*relations, *more, SUBSCRIBERS.name],
    )


def recommended(reader: Reader, as_of: date) -> pl.DataFrame:
    """Every recommendation of ``as_of``: first ranks first, the surest first within a rank, no change last."""
    where = Where().equal("as_of", as_of)
    order = "rank, CASE WHEN kind = 'no change' THEN 1 ELSE 0 END, confidence DESC NULLS LAST, customer"
    sql = f"SELECT * FROM recommendations {where.sql} ORDER BY {order}"
    return with_consent(reader, reader.query(sql, where.parameters, [RECOMMENDATIONS.name]), Where())


def with_consent(reader: Reader, rows: pl.DataFrame, where: Where) -> pl.DataFrame:
    """``rows`` of recommendations, ``may_approach`` by the consent as it is now: it may have been withdrawn since.

    Args:
        reader: the lake.
        rows: recommendations to the customers of ``where``.
        where: whose consent to look up.
    """
    allowed = where.satisfying("marketing_consent")
    sql = f"SELECT customer FROM subscribers {allowed.sql}"
    consenting = reader.query(sql, allowed.parameters, [SUBSCRIBERS.name]).get_column("customer")
    is_allowed = (pl.col("kind") == PLAN_DOWN) | pl.col("customer").is_in(consenting.implode())
    return rows.with_columns(pl.col("may_approach") & is_allowed)


def outcomes(base: pl.DataFrame, recommendations: pl.DataFrame) -> pl.DataFrame:
    """``customer`` and ``label``: an offer that one may or may not come with, no change, or why there is nothing."""
    is_offer = pl.col("kind") != NO_CHANGE
    found = recommendations.group_by("customer").agg(
        pl.when((is_offer & pl.col("may_approach")).any())
        .then(pl.lit(MAY_OFFER))
        .when(is_offer.any())
        .then(pl.lit(OFFER))
        .otherwise(pl.lit(NO_CHANGE))
        .alias("label")
    )
    known = base.select("customer", "untold_reason").join(found, on="customer", how="left")
    untold = pl.col("untold_reason").cast(pl.String)  # where nobody was looked at it has no type
    return known.select("customer", pl.coalesce("label", untold, pl.lit(NOT_LOOKED_AT)))


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
