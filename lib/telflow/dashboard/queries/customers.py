"""How many customers stand behind what is shown: for numbers of them, and for what must not be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import LISTS, Filters, Period
from telflow.dashboard.queries.extent import NO_CUSTOMER, uncounted_days
from telflow.dashboard.queries.where import Source, Where, chosen
from telflow.dashboard.relations import CUSTOMER_CATEGORIES, CUSTOMERS_BY_DAY, SEGMENTS, TRAFFIC_BY_DAY
from telflow.privacy.suppression import ANY, Cube, Group, blank

SUBSCRIBER = "customer_basis = 'lease'"
SUBSCRIBERS_SEEN = f"COUNT(DISTINCT CASE WHEN {SUBSCRIBER} THEN customer END)"
ADDRESSES_SEEN = f"COUNT(DISTINCT CASE WHEN NOT {SUBSCRIBER} THEN customer END)"
PEOPLE = f"CAST(GREATEST({SUBSCRIBERS_SEEN}, {ADDRESSES_SEEN}) AS BIGINT)"  # an address may be a subscriber's
NEWEST_SEGMENTS = "customer_segments WHERE as_of = (SELECT MAX(as_of) FROM customer_segments)"


@dataclass(frozen=True)
class Seen:
    """Who had traffic: subscribers, and addresses that no lease tells the subscriber of."""

    subscribers: int
    addresses: int


def seen(reader: Reader, filters: Filters, period: Period) -> Seen:
    """Who had traffic in ``period`` under ``filters``."""
    source = source_of(filters, period)
    sql = f"SELECT {SUBSCRIBERS_SEEN} AS subscribers, {ADDRESSES_SEEN} AS addresses {source.sql}"
    return Seen(*reader.query(sql, source.where.parameters, source.relations).row(0))


def in_segments(where: Where, filters: Filters) -> Where:
    """And the customer is, by the newest assignment, in one of the segments of ``filters``."""
    if not filters.segments:
        return where
    marks = ", ".join("?" * len(filters.segments))
    members = f"SELECT customer FROM {NEWEST_SEGMENTS} AND segment IN ({marks})"
    return where.satisfying(f"customer IN ({members})", *filters.segments)


def source_of(filters: Filters, period: Period, *, by_category: bool = False) -> Source:
    """What customers used, by category where one is chosen or all are told apart: their flows are not kept by it."""
    relations = [SEGMENTS.name] if filters.segments else []
    if by_category or filters.categories:
        where = in_segments(chosen(filters, period, "local_date"), filters)
        return Source([CUSTOMER_CATEGORIES.name, *relations], where, flows="CAST(NULL AS BIGINT)")
    where = in_segments(chosen(filters, period, "local_date", ["plan", "region"]), filters)
    return Source([CUSTOMERS_BY_DAY.name, *relations], where, "bytes_up + bytes_down", "connections")


def customers_by(reader: Reader, column: str, filters: Filters, period: Period) -> dict[str, int]:
    """People by category, plan or region, at least. One with traffic of several counts in each."""
    source = source_of(filters, period, by_category=column == "category")
    sql = f"SELECT {column} AS name, {PEOPLE} AS customers {source.sql} GROUP BY 1"
    return dict(reader.query(sql, source.where.parameters, source.relations).iter_rows())


@dataclass(frozen=True)
class Guard:
    """What the customers behind some days allow to be shown.

    Attributes:
        cubes: customers by category, plan, region and segment, one cube a day.
        uncounted: days with traffic whose customers are not counted yet: no group may be shown of them.
    """

    cubes: Sequence[Cube]
    uncounted: Sequence[date]

    def forbids(self, filters: Filters) -> bool:
        """Whether what ``filters`` choose is too small a group to be shown, or tells of one beside another choice."""
        groups = [filters.values(name) for name in LISTS]
        return any(groups) and (bool(self.uncounted) or any(cube.tells_of_few(groups) for cube in self.cubes))


def guard_of(reader: Reader, filters: Filters, days: Period, minimum: int, *, by_category: bool = False) -> Guard:
    """The guard of all choices of the values in ``filters``, or of some of them.

    Args:
        reader: what the lake is read with.
        filters: what is chosen; the cubes have the dimensions that it limits.
        days: local days that what is shown touches.
        minimum: smallest group that is shown.
        by_category: whether single categories are shown, also where none is chosen.
    """
    limited = [name for name in LISTS if filters.values(name) or (by_category and name == "category")]
    relations = [CUSTOMERS_BY_DAY.name, *([CUSTOMER_CATEGORIES.name] if "category" in limited else [])]
    groups: dict[date, dict[Group, int]] = {}
    for relation in relations if limited else ():
        for day, *group, customers in count_groups(reader, relation, limited, days).iter_rows():
            groups.setdefault(day, {})[tuple(group)] = customers
    cubes = [Cube(of_day, minimum, overlaps=True) for of_day in groups.values()]
    return Guard(cubes, uncounted_days(reader, TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY, "local_date", days))


def count_groups(reader: Reader, relation: str, limited: Sequence[str], days: Period) -> pl.DataFrame:
    """``local_date``, category, plan, region and segment where they are ``limited``, else ``ANY``, and customers."""
    values = {name: name if name in limited else f"'{ANY}'" for name in LISTS}
    if relation == CUSTOMERS_BY_DAY.name:
        values["category"] = f"'{ANY}'"
    relations, joined = [relation], ""
    if "segment" in limited:
        newest = f"SELECT customer AS member, segment FROM {NEWEST_SEGMENTS}"
        values["segment"] = f"COALESCE(segment, '{NO_CUSTOMER}')"
        relations, joined = [relation, SEGMENTS.name], f"LEFT JOIN ({newest}) ON member = customer"
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    where = Where().within("local_date", days)
    return reader.query(
        f"SELECT local_date, {columns}, {PEOPLE} AS customers FROM {relation} {joined} {where.sql} GROUP BY ALL",
        where.parameters,
        relations,
    )


def told_categories(
    reader: Reader, parts: pl.DataFrame, filters: Filters, period: Period, guard: Guard
) -> pl.DataFrame:
    """``parts`` (``name``, ``bytes``, ``flows``) of categories with ``customers``, what tells of few hidden."""
    counted = with_customers(parts, customers_by(reader, "category", filters, period), "name")
    flags = [guard.forbids(filters.choosing("category", [name])) for name in counted.get_column("name").to_list()]
    return blank(counted, flags, ["bytes", "flows", "customers"])


def with_customers(rows: pl.DataFrame, counts: dict[str, int], name: str) -> pl.DataFrame:
    """``rows`` and ``customers``, those behind the value of the column ``name``; 0 where nobody is."""
    number: Sequence[int] = [counts.get(value, 0) for value in rows.get_column(name).to_list()]
    return rows.with_columns(pl.Series("customers", number, dtype=pl.Int64))
