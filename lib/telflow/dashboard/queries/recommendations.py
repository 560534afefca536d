"""Recommendations to customers on a date, whom they reach, and who gets none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SEGMENTS, SUBSCRIBERS
from telflow.errors import TableMissingError
from telflow.privacy.suppression import Cube

NONE = "none"
GROUPS = ("plan", "region", "segment")
MEMBERS, OTHERS = "members", "others"
MAY_OFFER, OFFER, NOT_LOOKED_AT = "offer to approach with", "offer", "not looked at"  # outcomes, beside no change
SEGMENT_THEN = """SELECT customer, segment FROM customer_segments
        WHERE as_of = (SELECT MAX(as_of) FROM customer_segments WHERE as_of <= ?)"""
PLAN_UP, PLAN_DOWN, NO_CHANGE = "plan up", "plan down", "no change"
KINDS = ("retention", PLAN_UP, PLAN_DOWN, "service", NO_CHANGE)


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


def chosen_of(base: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Those of ``base`` whom plan, region and segment of ``filters`` choose."""
    for name in GROUPS:
        values = filters.values(name)
        if values:
            base = base.filter(pl.col(name).is_in(list(values)))
    return base


@dataclass(frozen=True)
class Everybody:
    """Whoever recommendations were thought of for, and what may be told of a choice of them.

    Attributes:
        base: rows of ``base_of``.
        chosen: plans, regions and segments that are looked at; none of one means all.
        minimum: smallest group that is shown.
    """

    base: pl.DataFrame
    chosen: Sequence[Collection[str]]
    minimum: int

    def cube(self, labels: pl.DataFrame) -> Cube:
        """Customers by plan, region, segment, and ``label`` of ``labels`` (one row a ``customer``), else ``OTHERS``."""
        labelled = self.base.join(labels, on="customer", how="left").with_columns(pl.col("label").fill_null(OTHERS))
        counted = labelled.group_by(*GROUPS, "label").agg(pl.len().alias("customers"))
        return Cube({tuple(group): customers for *group, customers in counted.iter_rows()}, self.minimum)

    def members(self, rows: pl.DataFrame) -> Cube:
        """Customers by plan, region, segment, and whether they have a row in ``rows``: ``MEMBERS`` or ``OTHERS``."""
        return self.cube(rows.select("customer", pl.lit(MEMBERS).alias("label")).unique())

    def tells_of_few(self, cube: Cube, *labels: str) -> bool:
        """Whether the number of those chosen with one of ``labels`` tells of few; without labels that of all chosen."""
        return cube.tells_of_few([*self.chosen, labels])

    def of_group(self, part: str, group: str) -> "Everybody":
        """The choice with one ``group`` alone of a ``part``: plan, region or segment."""
        chosen = [(group,) if name == part else values for name, values in zip(GROUPS, self.chosen, strict=True)]
        return replace(self, chosen=chosen)


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
