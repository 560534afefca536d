"""Customers with the groups that filters choose them by, and what may be told of a choice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader, is_there
from telflow.dashboard.relations import SEGMENTS, SUBSCRIBERS
from telflow.privacy.suppression import Cube, blank, is_small

NONE = "none"
GROUPS = ("plan", "region", "segment")
MEMBERS, OTHERS = "members", "others"
SEGMENT_THEN = """SELECT customer, segment FROM customer_segments
        WHERE as_of = (SELECT MAX(as_of) FROM customer_segments WHERE as_of <= ?)"""


def segments_then(reader: Reader, as_of: date) -> tuple[str, list[date], list[str]]:
    """The newest segments by ``as_of``: SQL for ``customer`` and ``segment``, its parameters, and what it reads."""
    if is_there(reader, SEGMENTS):
        return SEGMENT_THEN, [as_of], [SEGMENTS.name]
    return "SELECT '' AS customer, '' AS segment", [], []


def with_groups(reader: Reader, rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """``rows`` of customers with ``plan``, ``region`` and ``segment`` (the newest by ``as_of``), none where unknown."""
    segments, days, relations = segments_then(reader, as_of)
    subscribers = "SELECT '' AS customer, '' AS plan, '' AS region"
    if is_there(reader, SUBSCRIBERS):
        subscribers, relations = "SELECT customer, plan, region FROM subscribers", [*relations, SUBSCRIBERS.name]
    sql = f"""SELECT COALESCE(s.customer, g.customer) AS customer, s.plan, s.region, g.segment
        FROM ({subscribers}) s FULL OUTER JOIN ({segments}) g ON g.customer = s.customer"""
    groups = reader.query(sql, days, relations)
    joined = rows.join(groups, on="customer", how="left", maintain_order="left")
    return joined.with_columns(pl.col(*GROUPS).fill_null(NONE))


@dataclass(frozen=True)
class Everybody:
    """All customers that a page could tell of, and what may be told of a choice of them.

    Attributes:
        base: ``customer``, ``plan``, ``region``, ``segment`` and whatever the page tells of each.
        chosen: plans, regions and segments that are looked at; none of one means all.
        minimum: smallest group that is shown.
    """

    base: pl.DataFrame
    chosen: Sequence[Collection[str]]
    minimum: int

    @property
    def own(self) -> pl.DataFrame:
        """Rows of ``base`` of those who are looked at."""
        rows = self.base
        for name, values in zip(GROUPS, self.chosen, strict=True):
            rows = rows.filter(pl.col(name).is_in(list(values))) if values else rows
        return rows

    def total(self) -> int | None:
        """How many are looked at; None where that tells of few."""
        customers = self.own.height
        is_few = is_small(customers, self.minimum) or self.tells_of_few(self.members(self.base))
        return None if is_few else customers

    def told(self, label: str, *values: pl.Expr) -> pl.DataFrame:
        """How many of those looked at have which value of the column ``label`` of ``base``; null where it tells of few.

        Returns:
            The column, ``customers``, those ``values``, and ``is_suppressed``; the largest first.
        """
        customers = pl.len().cast(pl.Int64).alias("customers")
        counted = self.own.group_by(label).agg(customers, *values).sort(["customers", label], descending=[True, False])
        cube = self._cube_by(self.base, label)
        flags = [self.tells_of_few(cube, name) for name in counted.get_column(label).to_list()]
        return blank(counted, flags, ["customers", *[value.meta.output_name() for value in values]])

    def cube(self, labels: pl.DataFrame) -> Cube:
        """Customers by plan, region, segment, and ``label`` of ``labels`` (one row a ``customer``), else ``OTHERS``."""
        labelled = self.base.join(labels, on="customer", how="left").with_columns(pl.col("label").fill_null(OTHERS))
        return self._cube_by(labelled, "label")

    def members(self, rows: pl.DataFrame) -> Cube:
        """Customers by plan, region, segment, and whether they have a row in ``rows``: ``MEMBERS`` or ``OTHERS``."""
        return self.cube(rows.select("customer", pl.lit(MEMBERS).alias("label")).unique())

    def tells_of_few(self, cube: Cube, *labels: str) -> bool:
        """Whether the number of those chosen with one of ``labels`` tells of few; without labels that of all chosen."""
        return cube.tells_of_few([*self.chosen, labels])

    def _cube_by(self, labelled: pl.DataFrame, label: str) -> Cube:
        counted = labelled.group_by(*GROUPS, label).agg(pl.len().alias("customers"))
        return Cube({tuple(group): customers for *group, customers in counted.iter_rows()}, self.minimum)

    def of_group(self, part: str, group: str) -> "Everybody":
        """The choice with one ``group`` alone of a ``part``: plan, region or segment."""
        chosen = [(group,) if name == part else values for name, values in zip(GROUPS, self.chosen, strict=True)]
        return replace(self, chosen=chosen)
