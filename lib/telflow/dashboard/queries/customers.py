"""How many customers stand behind what is shown: for numbers of them, and for what must not be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import LISTS, Filters, Period
from telflow.dashboard.queries.extent import NO_CUSTOMER
from telflow.dashboard.queries.where import Where, chosen
from telflow.dashboard.relations import CUSTOMER_CATEGORIES, CUSTOMERS_BY_DAY, SEGMENTS
from telflow.privacy.suppression import Group, blank, divides, hidden_on_any_day, is_small, tells_of_few

SUBSCRIBER = "customer_basis = 'lease'"
SUBSCRIBERS_SEEN = f"COUNT(DISTINCT CASE WHEN {SUBSCRIBER} THEN customer END)"
ADDRESSES_SEEN = f"COUNT(DISTINCT CASE WHEN NOT {SUBSCRIBER} THEN customer END)"
PEOPLE = f"CAST(GREATEST({SUBSCRIBERS_SEEN}, {ADDRESSES_SEEN}) AS BIGINT)"  # whoever has both counts once
NEWEST_SEGMENT = "SELECT customer FROM customer_segments WHERE as_of = (SELECT MAX(as_of) FROM customer_segments)"


@dataclass(frozen=True)
class Seen:
    """Who had traffic: subscribers, and addresses that no lease tells the subscriber of."""

    subscribers: int
    addresses: int

    @property
    def people(self) -> int:
        """How many there were at least: an address may have been a subscriber's who is counted already."""
        return max(self.subscribers, self.addresses)


def seen(reader: Reader, filters: Filters, period: Period) -> Seen:
    """Who had traffic in ``period`` under ``filters``."""
    relation, where = source_of(filters, period)
    sql = f"SELECT {SUBSCRIBERS_SEEN} AS subscribers, {ADDRESSES_SEEN} AS addresses FROM {relation} {where.sql}"
    return Seen(*reader.query(sql, where.parameters, relations_of(relation, filters)).row(0))


def relations_of(relation: str, filters: Filters) -> list[str]:
    """What a query on ``relation`` reads under ``filters``."""
    return [relation, SEGMENTS.name] if filters.segments else [relation]


def in_segments(where: Where, filters: Filters) -> Where:
    """And the customer is, by the newest assignment, in one of the segments of ``filters``."""
    if not filters.segments:
        return where
    marks = ", ".join("?" * len(filters.segments))
    return where.satisfying(f"customer IN ({NEWEST_SEGMENT} AND segment IN ({marks}))", *filters.segments)


def source_of(filters: Filters, period: Period) -> tuple[str, Where]:
    """The relation that knows of what the filters ask, and their conditions on it."""
    if filters.categories:
        return CUSTOMER_CATEGORIES.name, in_segments(chosen(filters, period, "local_date"), filters)
    where = chosen(filters, period, "local_date", ["plan", "region"])
    return CUSTOMERS_BY_DAY.name, in_segments(where, filters)


def customers_by(reader: Reader, column: str, filters: Filters, period: Period) -> dict[str, int]:
    """People by category, plan or region, at least. One with traffic of several counts in each."""
    relation, where = source_of(filters, period)
    if column == "category":
        relation, where = CUSTOMER_CATEGORIES.name, in_segments(chosen(filters, period, "local_date"), filters)
    sql = f"SELECT {column} AS name, {PEOPLE} AS customers FROM {relation} {where.sql} GROUP BY 1"
    return dict(reader.query(sql, where.parameters, relations_of(relation, filters)).iter_rows())


def hidden_categories(reader: Reader, filters: Filters, period: Period, minimum: int) -> set[str]:
    """Categories that too few people used on some day of ``period``, with those that a total would tell them by.

    The category filter is left out of it: what is hidden does not depend on what is looked at.
    """
    where = in_segments(chosen(filters.without("category"), period, "local_date"), filters)
    sql = f"SELECT local_date, category, {PEOPLE} AS customers FROM customer_categories {where.sql} GROUP BY 1, 2"
    days: dict[date, dict[str, int]] = {}
    relations = relations_of(CUSTOMER_CATEGORIES.name, filters)
    for day, category, customers in reader.query(sql, where.parameters, relations).iter_rows():
        days.setdefault(day, {})[category] = customers
    return hidden_on_any_day(days.values(), minimum)


def told_categories(
    reader: Reader, parts: pl.DataFrame, filters: Filters, period: Period, minimum: int
) -> pl.DataFrame:
    """``parts`` (``name``, ``bytes``, ``flows``) of categories with ``customers``, what tells of few hidden."""
    counted = with_customers(parts, customers_by(reader, "category", filters, period), "name")
    hidden = hidden_categories(reader, filters, period, minimum)
    flags = [
        name in hidden or is_small(number, minimum) for name, number in counted.select("name", "customers").iter_rows()
    ]
    return blank(counted, flags, ["bytes", "flows", "customers"])


def is_too_small(reader: Reader, filters: Filters, period: Period, minimum: int) -> bool:
    """Whether what the filters choose is too small a group to be shown, or tells of one beside another choice."""
    if not any(filters.values(name) for name in LISTS):
        return False
    if is_small(seen(reader, filters, period).people, minimum):
        return True
    if filters.categories and divides(filters.categories, hidden_categories(reader, filters, period, minimum)):
        return True
    groups = [filters.plans, filters.regions, filters.segments]
    return any(groups) and tells_of_few(customer_groups(reader, filters, period), groups, minimum)


def customer_groups(reader: Reader, filters: Filters, period: Period) -> dict[Group, int]:
    """Customers by plan, region and segment, each empty where it is not asked for, on their day with fewest."""
    relation, where = source_of(filters.without("plan").without("region").without("segment"), period)
    where = where.satisfying("plan <> ?", NO_CUSTOMER)
    plan, region = ("plan" if filters.plans else "''"), ("region" if filters.regions else "''")
    segment, joined = "''", ""
    if filters.segments:
        newest = NEWEST_SEGMENT.replace("SELECT customer", "SELECT customer, segment", 1)
        segment, joined = f"COALESCE(s.segment, '{NO_CUSTOMER}')", f"LEFT JOIN ({newest}) s ON s.customer = t.customer"
    rows = reader.query(
        f"""SELECT plan, region, segment, MIN(customers) AS customers FROM
        (SELECT local_date, {plan} AS plan, {region} AS region, {segment} AS segment,
        COUNT(DISTINCT t.customer) AS customers FROM (SELECT * FROM {relation} {where.sql}) t {joined} GROUP BY ALL) g
        GROUP BY ALL""",
        where.parameters,
        relations_of(relation, filters),
    )
    return {(plan, region, segment): number for plan, region, segment, number in rows.iter_rows()}


def with_customers(rows: pl.DataFrame, counts: dict[str, int], name: str) -> pl.DataFrame:
    """``rows`` and ``customers``, those behind the value of the column ``name``; 0 where nobody is."""
    number: Sequence[int] = [counts.get(value, 0) for value in rows.get_column(name).to_list()]
    return rows.with_columns(pl.Series("customers", number, dtype=pl.Int64))
